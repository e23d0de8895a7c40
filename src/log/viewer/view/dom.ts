/** A new element. What is put into it as text stays text, whatever a log says. */
export function createElement<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...content: readonly (string | Node)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.replaceChildren(...content)
  return element
}

/** A button that does something. */
export function createButton(
  pressed: () => void,
  attributes: Readonly<Record<string, string>>,
  ...content: readonly (string | Node)[]
): HTMLButtonElement {
  const made = createElement('button', { type: 'button', ...attributes }, ...content)
  made.addEventListener('click', pressed)
  return made
}

/** Sets a text, unless it is that already: nothing is laid out again for nothing. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

export function setAttributes(element: HTMLElement, attributes: Readonly<Record<string, string | number | boolean>>): void {
  for (const [name, value] of Object.entries(attributes))
    if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value))
}
