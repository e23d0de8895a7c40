/** Returns the element of the page with this id. Throws if it has another type. */
export function part<E extends HTMLElement>(id: string, type: new () => E): E {
  const found = document.getElementById(id)
  if (found instanceof type) return found
  throw new Error(`index.html has no ${type.name} with the id "${id}".`)
}

/** Creates an element. Strings are added as text, never as HTML, because they may come from a model. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  ...content: readonly (string | Node)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  element.className = className
  element.replaceChildren(...content)
  return element
}
