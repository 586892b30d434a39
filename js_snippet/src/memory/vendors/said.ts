/**
 * What a consent platform says about keeping something in this browser: yes, no, nothing yet (null), or it isn't on
 * this page (undefined).
 */
export type Said = boolean | null | undefined;

/** What the platforms leave on the window, as far as we read it. */
export interface Left {
  dataLayer?: ArrayLike<unknown>;
  __tcfapi?: (command: string, version: number, callback: (data: TcData | null, success: boolean) => void) => void;
  Cookiebot?: { hasResponse?: boolean; consent: { preferences?: boolean; statistics?: boolean } };
  OneTrust?: object;
  OnetrustActiveGroups?: string;
  getCkyConsent?: () => { isUserActionCompleted?: boolean; categories: { functional?: boolean; analytics?: boolean } };
}

export interface TcData {
  eventStatus?: string;
  gdprApplies?: boolean;
  purpose?: { consents?: { [purpose: number]: boolean } };
}

/** What one platform says now. Whatever it throws is caught. */
export type Platform = (left: Left) => Said;
