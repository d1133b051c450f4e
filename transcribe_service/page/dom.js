/** Elements, made without HTML: whatever people call themselves or say becomes text and nothing else. */

const SVG = "http://www.w3.org/2000/svg";

/** An element. Of `properties`, functions are listeners by event name, booleans say whether an attribute is there; null is left out. */
export function el(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** An element of SVG. */
export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (typeof value === "boolean") node.toggleAttribute(name, value);
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Sets a text only where it differs, so that nothing is announced or selected anew. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** What is wrong, told at once to those who listen too. */
export const problemNote = (error) => el("p", { class: "problem", role: "alert" }, error.message);
