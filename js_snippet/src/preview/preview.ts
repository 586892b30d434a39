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
  // Files of one build differ by their first word.
  const load = (file: string): Promise<any> => import("/widget/" + file);
  const [{ show }, form, { theme }]: [{ show: Show }, { default: QuestionType }, typeof import("../panel/theme")] = await Promise.all([
    load(panel),
    load(type),
    load(panel.replace("panel", "theme")),
  ]);
  const put: Put = (host, _title, seen) => {
    document.getElementById("inline")!.append(host);
    seen();
  };
  show(question, form.default, language, () => {}, {
    dress: theme(widget),
    rows: form.default.hasRow && (await load(panel.replace("panel", "row"))),
    fetchWords: () => load(panel.replace("panel", "words")),
    put: question.settings["inline"] ? put : undefined,
    quietly: (work) => void work(),
  });
}

preview(JSON.parse(document.getElementById("preview")!.textContent!)).catch((error: Error) => {
  document.getElementById("said")!.textContent = error.message;
});
