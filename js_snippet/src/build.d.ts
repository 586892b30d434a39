/** Put in by the build: true in the file for results of a search, where no order is asked about. */
declare const FOUND: boolean;
