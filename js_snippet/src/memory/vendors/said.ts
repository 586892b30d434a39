/**
 * What a consent platform says about keeping something in this browser: yes, no, nothing yet (null), or it isn't on
 * this page (undefined).
 */
export type Said = boolean | null | undefined;
