/** All that results of a search need when there is a question for them, in one file: that packs better than three. */
export { rules } from "../rules/rules";
export { search } from "../search/report";
export { sending } from "../sending/sending";
