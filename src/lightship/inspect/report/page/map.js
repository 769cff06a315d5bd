// The map: nodes of an image, drawn as nested rectangles that can be opened, by pointer or keyboard.

const GROUPS = {
  "application": "Application",
  "python-packages": "Python packages",
  "python": "Python itself",
  "debian-packages": "Debian packages",
  "unowned": "No package",
};

/** Write bytes as people do, in units of 1000: `1.18 GB`. */
const size = (count) => {
  let value = Math.abs(count);
  if (value < 1000) return `${value} B`;
  for (const unit of ["kB", "MB", "GB"]) {
    value /= 1000;
    if (value < 999.5 || unit === "GB") {
      return `${value < 99.5 ? String(Number(value.toPrecision(3))) : value.toFixed(0)} ${unit}`;
    }
  }
};
const signed = (count) => (count ? `${count < 0 ? "−" : "+"}${size(count)}` : "±0 B");
const percent = (part, whole) => `${((100 * part) / Math.max(whole, 1)).toFixed(1)}%`;
const many = (count, what) => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;

/** Make an element; `made` has its properties, or attributes where the name has a dash, or is `role`. */
const element = (tag, made = {}, ...children) => {
  const found = document.createElement(tag);
  for (const [name, value] of Object.entries(made)) {
    if (value === undefined || value === false) continue;
    if (name === "on") for (const [event, act] of Object.entries(value)) found.addEventListener(event, act);
    else if (name.includes("-") || name === "role" || name === "scope") found.setAttribute(name, value);
    else found[name] = value;
  }
  found.append(...children.filter((child) => child !== null && child !== undefined));
  return found;
};

/** Turn an image into a tree of nodes: groups, their parts, and folders of these. */
const nodesOf = (image) => {
  const folder = ([name, bytes, files, children = []], parent) => {
    const node = { name: name || many(files, "smaller file"), size: bytes, files, parent, part: parent.part, group: parent.group };
    node.children = children.map((child) => folder(child, node));
    return node;
  };
  const root = { name: image.name, size: image.visible, files: image.file_count, parent: null, part: null, group: null };
  root.children = image.groups.map((facts) => {
    const group = { name: GROUPS[facts.group], size: facts.size, files: facts.files, parent: root, part: null, group: facts.group };
    group.children = image.parts.filter((part) => part.group === facts.group).map((part) => {
      const node = { name: part.name, size: part.size, files: part.files, parent: group, part, group: facts.group };
      node.children = (image.folders[part.id] || []).map((child) => folder(child, node));
      return node;
    });
    return group;
  });
  return root;
};

const trail = (node) => (node.parent ? [...trail(node.parent), node] : [node]);

class ImageMap {
  /** Draw into `tree` and `crumbs`; `tell` is called with the node that the person looks at. */
  constructor(tree, crumbs, { tell, classOf, describe }) {
    Object.assign(this, { tree, crumbs, tell, classOf, describe, cells: [], isDimmed: () => false });
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    tree.addEventListener("keydown", (event) => this.press(event));
    new ResizeObserver(() => this.root && this.draw()).observe(tree);
  }

  show(root) {
    this.root = this.place = root;
    this.draw();
  }

  /** Go to a node, and draw what is in it; `from` is a rectangle that grows to the whole, or the other way. */
  open(node, { focus = true } = {}) {
    if (!node.children.length) node = node.parent;
    const old = this.place;
    const inward = trail(node).includes(old) && this.cells.find((cell) => cell.node === node);
    this.place = node;
    this.draw();
    const outward = !inward && this.cells.find((cell) => cell.node === old);
    this.grow(inward || outward, Boolean(inward));
    if (focus) (outward || this.cells.find((cell) => cell.node.parent === node) || this.cells[0])?.element.focus();
    this.tell(node, true);
  }

  grow(cell, inward) {
    if (!cell || this.still.matches) return;
    const { clientWidth: width, clientHeight: height } = this.tree;
    const small = `translate(${cell.x}px, ${cell.y}px) scale(${cell.w / width}, ${cell.h / height})`;
    const large = `translate(${(-cell.x * width) / cell.w}px, ${(-cell.y * height) / cell.h}px) scale(${width / cell.w}, ${height / cell.h})`;
    const start = { transform: inward ? small : large, opacity: 0.3 };
    for (const child of this.tree.children) child.style.transformOrigin = "0 0";
    this.tree.firstElementChild.animate([start, { transform: "none", opacity: 1 }], { duration: 220, easing: "cubic-bezier(.2,.7,.2,1)" });
  }

  draw() {
    const focused = this.tree.contains(document.activeElement);
    const current = this.cells.find((cell) => cell.element === document.activeElement)?.node;
    this.cells = [];
    const stage = element("div", { className: "stage", role: "presentation" });
    const box = { x: 0, y: 0, w: this.tree.clientWidth, h: this.tree.clientHeight };
    this.fill(stage, this.place, box, 1, box.w * box.h);
    this.tree.replaceChildren(stage);
    this.drawCrumbs();
    const next = this.cells.find((cell) => cell.node === current) || this.cells[0];
    if (next) next.element.tabIndex = 0;
    if (focused && next) next.element.focus();
  }

  /** Draw a node's children in a box, and theirs, as deep as there is room. */
  fill(stage, node, box, level, whole) {
    const siblings = node.children.length;
    treemap.squarify(node.children, box).forEach(({ item, x, y, w, h }, index) => {
      if (w < 3 || h < 3) return;
      const roomy = w > 56 && h > 46 && (level === 1 ? item.children.length > 0 : w * h > whole / 12 && level < 4);
      const framed = roomy && item.children.length > 1;
      this.cell(stage, item, { x, y, w, h }, { level, framed, index, siblings });
      if (framed) this.fill(stage, item, { x: x + 3, y: y + 22, w: w - 6, h: h - 25 }, level + 1, whole);
    });
  }

  cell(stage, node, box, { level, framed, index, siblings }) {
    const opens = node.children.length > 0;
    const text = box.w > 34 && box.h > 17;
    const made = element("div", {
      className: `cell ${this.classOf(node)} ${framed ? "frame" : ""} ${text ? "" : "bare"} level-${Math.min(level, 4)} ${this.isDimmed(node) ? "dim" : ""}`,
      role: "treeitem",
      tabIndex: -1,
      "aria-level": level,
      "aria-posinset": index + 1,
      "aria-setsize": siblings,
      "aria-selected": "false",
      "aria-label": `${node.name}, ${this.describe(node, this.place)}${opens ? ", opens" : ""}`,
      on: {
        click: (event) => { event.stopPropagation(); this.act(node); },
        focus: () => this.focused(made, node),
        // Not when the page moves below a pointer at rest: what was chosen is what matters then.
        pointermove: (event) => { if (event.movementX || event.movementY) this.tell(node, false); },
      },
    });
    Object.assign(made.style, { left: `${box.x}px`, top: `${box.y}px`, width: `${Math.max(box.w - 1, 1)}px`, height: `${Math.max(box.h - 1, 1)}px` });
    if (text) {
      made.append(element("span", { className: "label" }, node.name));
      if (framed ? box.w > 130 : box.h > 36 && box.w > 66) made.append(element("span", { className: "amount" }, this.describe(node, this.place, true)));
    }
    stage.append(made);
    this.cells.push({ node, element: made, framed, ...box });
  }

  focused(made, node) {
    for (const cell of this.cells) {
      cell.element.tabIndex = cell.element === made ? 0 : -1;
      cell.element.setAttribute("aria-selected", String(cell.element === made));
    }
    this.tell(node, true);
  }

  act(node) {
    if (node.children.length) this.open(node);
    else this.focus(node);
  }

  /** Put the focus on a node; false where it is not drawn. */
  focus(node) {
    const cell = this.cells.find((each) => each.node === node);
    cell?.element.focus({ preventScroll: true });
    return Boolean(cell);
  }

  up() {
    if (this.place.parent) this.open(this.place.parent);
  }

  press(event) {
    const here = this.cells.find((cell) => cell.element === document.activeElement);
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.altKey || event.ctrlKey || event.metaKey || !here) return;
    if (event.key in moves) this.nearest(here, moves[event.key])?.element.focus();
    else if (event.key === "Enter" || event.key === " ") this.act(here.node);
    else if (event.key === "Escape" || event.key === "Backspace") this.up();
    else if (event.key === "Home") this.cells[0].element.focus();
    else if (event.key === "End") this.cells.at(-1).element.focus();
    else return;
    event.preventDefault();
  }

  /** Find the cell that is nearest in a direction; of a frame, its title counts. */
  nearest(here, [right, down]) {
    const centre = (cell) => [cell.x + cell.w / 2, cell.y + (cell.framed ? 11 : cell.h / 2)];
    const [x, y] = centre(here);
    let found = null, least = Infinity;
    for (const cell of this.cells) {
      const [otherX, otherY] = centre(cell);
      const along = (otherX - x) * right + (otherY - y) * down;
      const aside = Math.abs((otherX - x) * down) + Math.abs((otherY - y) * right);
      if (cell !== here && along > 1 && along + 2 * aside < least) [found, least] = [cell, along + 2 * aside];
    }
    return found;
  }

  drawCrumbs() {
    const steps = trail(this.place);
    this.crumbs.replaceChildren(...steps.map((node) => {
      const last = node === this.place;
      const label = `${node.name} `;
      const amount = element("span", { className: "amount" }, size(node.size));
      return element("li", {}, last
        ? element("span", { "aria-current": "location" }, label, amount)
        : element("button", { type: "button", on: { click: () => this.open(node) } }, label, amount));
    }));
  }
}
