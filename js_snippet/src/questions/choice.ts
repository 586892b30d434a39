/** One of the options that the owner named. */
import type { Question, QuestionType } from "../types";

const values = (settings: Question["settings"]): string[] => (settings["options"] || []) as string[];

const type: QuestionType = {
  values,
  followUp: "never",
  focus: false,
  hasRow: true,
  draw({ texts, settings, row }) {
    const name = (value: string | number): string => texts["option." + value] || "" + value;
    return row({ look: "list fill", values: values(settings), name, face: name });
  },
};
export default type;
