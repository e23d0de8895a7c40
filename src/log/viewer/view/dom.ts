/** Creates an element. Strings become text nodes, never HTML. */
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

/** Creates a button. */
export function createButton(
  onClick: () => void,
  attributes: Readonly<Record<string, string>>,
  ...content: readonly (string | Node)[]
): HTMLButtonElement {
  const button = createElement('button', { type: 'button', ...attributes }, ...content)
  button.addEventListener('click', onClick)
  return button
}

/** Sets the text of an element if it differs, to avoid a needless layout. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** Sets the attributes of an element that differ. */
export function setAttributes(element: HTMLElement, attributes: Readonly<Record<string, string | number | boolean>>): void {
  for (const [name, value] of Object.entries(attributes))
    if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value))
}
