// Tables that can be sorted and filtered, and show more when asked to.

class Table {
  /**
   * columns: {title, value, cell, right, initial ("descending"), className}; `value` sorts, `cell` draws.
   * `most` rows are shown at first. `empty` is said where there is none.
   */
  constructor(place, columns, { caption, rows = [], most = 50, empty = "Nothing.", sort = null, act = null }) {
    Object.assign(this, { place, columns, caption, rows, most, empty, sort, act, limit: most });
    this.draw();
  }

  set(rows) {
    this.rows = rows;
    this.limit = this.most;
    this.draw();
  }

  draw() {
    if (!this.rows.length) {
      this.place.replaceChildren(element("p", { className: "empty" }, this.empty));
      return;
    }
    const rows = this.sorted();
    const body = element("tbody", {}, ...rows.slice(0, this.limit).map((row) => this.row(row)));
    const table = element("table", {}, element("caption", {}, this.caption), element("thead", {}, this.head()), body);
    const rest = rows.length - this.limit;
    this.place.replaceChildren(table);
    if (rest > 0) {
      const more = () => { this.limit = Infinity; this.draw(); };
      this.place.append(element("button", { type: "button", className: "more", on: { click: more } }, `Show ${rest.toLocaleString("en")} more`));
    }
  }

  sorted() {
    if (!this.sort) return this.rows;
    const { column, direction } = this.sort;
    const way = direction === "ascending" ? 1 : -1;
    const compare = (one, other) => (typeof one === "string" ? one.localeCompare(other, "en") : one - other);
    return [...this.rows].sort((one, other) => way * compare(column.value(one), column.value(other)));
  }

  head() {
    return element("tr", {}, ...this.columns.map((column) => {
      const direction = this.sort?.column === column ? this.sort.direction : undefined;
      const made = element("th", { scope: "col", className: `${column.right ? "right" : ""} ${column.className || ""}`, "aria-sort": direction });
      if (!column.value) made.append(column.title);
      else {
        const arrow = element("span", { "aria-hidden": "true", className: "arrow" }, direction ? (direction === "ascending" ? "▲" : "▼") : "");
        const content = column.right ? [arrow, column.title] : [column.title, arrow];
        made.append(element("button", { type: "button", on: { click: () => this.turn(column) } }, ...content));
      }
      return made;
    }));
  }

  turn(column) {
    const first = column.right ? "descending" : "ascending";
    const other = first === "descending" ? "ascending" : "descending";
    const again = this.sort?.column === column && this.sort.direction === first;
    this.sort = { column, direction: again ? other : first };
    const index = this.columns.indexOf(column);
    this.draw();
    this.place.querySelectorAll("th")[index].querySelector("button").focus();
  }

  row(row) {
    return element("tr", {}, ...this.columns.map((column, index) => {
      const content = [column.cell(row)].flat();
      const className = `${column.right ? "right" : ""} ${column.className || ""}`;
      return element(index === 0 ? "th" : "td", { className, scope: index === 0 ? "row" : undefined }, ...content);
    }));
  }
}

/** A bar whose length is a share; what it says stands beside it in figures. */
const bar = (share, className = "") => {
  const fill = element("span", { className: `fill ${className}` });
  fill.style.width = `${Math.min(100, 100 * share)}%`;
  return element("span", { className: "bar", "aria-hidden": "true" }, fill);
};

const figure = (text) => element("span", { className: "figure" }, text);

/** A row of buttons of which one is pressed. */
const choices = (place, options, chosen, act) => {
  place.replaceChildren(...options.map(([value, title]) => element("button", {
    type: "button",
    "aria-pressed": String(value === chosen),
    on: {
      click: (event) => {
        for (const button of place.children) button.setAttribute("aria-pressed", String(button === event.currentTarget));
        act(value);
      },
    },
  }, title)));
  place.hidden = false;
};
