/** One of the options that the owner named. */
import type { Form, Question, QuestionType } from "../types";

const values = (settings: Question["settings"]): string[] => (settings["options"] || []) as string[];

const type: QuestionType = {
  values,
  followUp: "never",
  focus: false,
  draw: ({ texts, settings, title, radios, choose }: Form): HTMLElement => {
    const name = (value: string | number): string => texts["option." + value] || "" + value;
    return radios({ look: "list fill", title, values: values(settings), name, face: name, choose });
  },
};
export default type;
