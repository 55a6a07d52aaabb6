// The form that changes the law. The token stays in the field, and nowhere else.

export function setUpLaw(onChange) {
  const form = document.getElementById("law-form");
  const state = document.getElementById("law-state");
  const text = document.getElementById("law-text");
  document.getElementById("chips").append(...[...text.list.options].map((option) => {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.textContent = option.value;
    chip.addEventListener("click", () => {
      text.value = option.value;
      text.focus();
    });
    return chip;
  }));
  const say = (text, kind) => {
    delete state.dataset.good;
    delete state.dataset.bad;
    state.dataset[kind] = "";
    state.textContent = text;
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const token = document.getElementById("token").value;
    try {
      const answer = await fetch("../admin/delay", {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body: text.value.trim(),
      });
      const said = (await answer.text()).trim();
      say(answer.ok ? `from now on: ${said}` : answer.status === 401 ? "the token is not right" : said, answer.ok ? "good" : "bad");
    } catch (error) {
      say(`it could not be sent: ${error.message}`, "bad");
    }
    onChange();
  });
}

export function showForm(allowed) {
  document.getElementById("law-form").hidden = !allowed;
  document.getElementById("law-off").hidden = allowed;
}
