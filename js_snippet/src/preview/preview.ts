/**
 * Shows one question in the real panel, on the preview page of the server. It is built with the snippet, because only
 * such a build knows the short names of its parts, and no page of a shop ever loads it. What is tapped goes nowhere.
 */
import type { Put, Question, QuestionType, Show, Widget } from "../types";

/** What the server wrote into the page; `panel` and `type` are file names of this build. */
interface Shown {
  question: Question;
  language: string;
  widget: Widget;
  panel: string;
  type: string | null;
}

async function preview({ question, language, widget, panel, type }: Shown): Promise<void> {
  if (!type) throw new Error("This build of the snippet can't draw the type " + question.type + ".");
  const [{ show }, form] = (await Promise.all([import("/widget/" + panel), import("/widget/" + type)])) as [
    { show: Show },
    { default: QuestionType },
  ];
  const put: Put = (host, _title, seen) => {
    document.getElementById("inline")!.append(host);
    seen();
  };
  show(question, form.default, language, () => {}, {
    widget,
    put: question.settings["inline"] ? put : undefined,
    quietly: (work) => void work(),
  });
}

preview(JSON.parse(document.getElementById("preview")!.textContent!)).catch((error: Error) => {
  document.getElementById("said")!.textContent = error.message;
});
