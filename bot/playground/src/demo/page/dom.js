// A tree of plain objects becomes the page. Drawn again, only what differs is touched, so focus and scrolling stay.

/** One element: `h("button", { class: "x", on: { click } }, "words")`. `key` keeps it the same among moving siblings. */
export function h(tag, props, ...children) {
  return { tag, props: props ?? {}, children: flat(children) };
}

/** Makes `container` hold exactly these children. */
export function draw(container, ...children) {
  sync(container, flat(children));
}

function flat(children) {
  const found = [];
  for (const child of children) {
    if (Array.isArray(child)) found.push(...flat(child));
    else if (child !== null && child !== undefined && child !== false && child !== true && child !== "") {
      found.push(typeof child === "object" ? child : String(child));
    }
  }
  return found;
}

function sync(parent, wanted) {
  const old = [...parent.childNodes];
  const keyed = new Map(old.filter((node) => node.key !== undefined).map((node) => [node.key, node]));
  const used = new Set();
  let at = 0;
  const reusable = (child) => {
    if (child.props?.key !== undefined) {
      const node = keyed.get(child.props.key);
      return node && !used.has(node) && fits(node, child) ? node : null;
    }
    // The next one of its kind; those between are gone.
    for (let next = at; next < old.length; next += 1) {
      if (old[next].key === undefined && fits(old[next], child)) {
        at = next + 1;
        return old[next];
      }
    }
    return null;
  };
  const nodes = wanted.map((child) => {
    const node = reusable(child) ?? make(child);
    used.add(node);
    return node;
  });
  for (const node of old) {
    if (used.has(node)) continue;
    // A dialog gives the focus back when it is closed, not when it is only taken away.
    if (node.tag === "dialog" && node.open) {
      // What was behind it can have the focus again.
      for (const beside of parent.children) beside.removeAttribute("inert");
      node.close();
    }
    node.remove();
  }
  // Only now: what stays in its place must not be moved, or it would lose the focus.
  let place = parent.firstChild;
  for (const [index, child] of wanted.entries()) {
    const node = nodes[index];
    if (node === place) place = place.nextSibling;
    else parent.insertBefore(node, place);
    if (typeof child !== "string") update(node, child);
    else if (node.data !== child) node.data = child;
  }
}

function fits(node, child) {
  if (typeof child === "string") return node.nodeType === Node.TEXT_NODE;
  return node.nodeType === Node.ELEMENT_NODE && node.tag === child.tag && node.key === child.props.key;
}

function make(child) {
  if (typeof child === "string") return document.createTextNode(child);
  const isDrawing = child.tag === "svg" || child.tag === "path" || child.tag === "circle" || child.tag === "use";
  const node = isDrawing ? document.createElementNS("http://www.w3.org/2000/svg", child.tag)
    : document.createElement(child.tag);
  node.tag = child.tag;
  node.key = child.props.key;
  return node;
}

function update(node, { props, children }) {
  const before = node.props ?? {};
  for (const name of Object.keys(before)) if (!(name in props)) set(node, name, null);
  for (const [name, value] of Object.entries(props)) {
    if (name === "value" || name === "checked" || value !== before[name]) set(node, name, value);
  }
  node.props = props;
  if (!props.own) sync(node, children);
  props.drawn?.(node);
}

function set(node, name, value) {
  if (["key", "own", "drawn"].includes(name)) return;
  if (name === "on") {
    listen(node, value ?? {});
  } else if (name === "value") {
    // What somebody is typing is theirs; `value` only starts it, or clears it after it was sent.
    if (node.value !== (value ?? "") && node.sent !== value) node.value = value ?? "";
    node.sent = value;
  } else if (name === "checked" || name === "indeterminate") {
    node[name] = Boolean(value);
  } else if (value === null || value === undefined || value === false) {
    node.removeAttribute(name);
  } else {
    node.setAttribute(name, value === true ? "" : value);
  }
}

/** One listener per kind of event; which function it calls changes with every drawing. */
function listen(node, handlers) {
  node.handlers = handlers;
  node.heard ??= new Set();
  for (const kind of Object.keys(handlers)) {
    if (node.heard.has(kind)) continue;
    node.heard.add(kind);
    node.addEventListener(kind, (event) => node.handlers[kind]?.(event));
  }
}
