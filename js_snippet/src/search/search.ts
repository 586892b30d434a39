/** What results of a search need when there is no question for them. */
export { sending } from "../sending/sending";
export { search } from "./report";
