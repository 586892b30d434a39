// Shows the question of this preview in the panel of the built snippet. What is tapped goes nowhere.
const { question, language, widget, panel, type } = JSON.parse(document.getElementById("preview").textContent);
const inline = question.settings.inline ? document.getElementById("inline") : undefined;

async function preview() {
  if (!panel || !type) throw new Error(`This build of the snippet can't draw the type ${question.type}.`);
  const [{ show }, form] = await Promise.all([import(`/widget/${panel}`), import(`/widget/${type}`)]);
  show(question, form.default, language, () => {}, { widget, inline });
}

preview().catch((error) => {
  document.getElementById("said").textContent = error.message;
});
