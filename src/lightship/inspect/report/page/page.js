// Puts the page together from its data.

(() => {
  const { image, against, changes } = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const parts = new Map(image.parts.map((part) => [part.id, part]));
  const changed = new Map(changes.map((change) => [change.id, growthOf(change)]));
  const state = { side: image, colours: "kind", query: "", group: "" };

  function growthOf(change) {
    return (change.after?.size ?? 0) - (change.before?.size ?? 0);
  }

  // What stands above the map.

  const figures = () => {
    const facts = [
      ["Unpacked", size(image.unpacked), `${many(image.file_count, "file")}, ${size(image.overhead)} of it tar headers`, against && image.unpacked - against.unpacked],
      ["Compressed", size(image.compressed), "what a registry stores and sends", against && image.compressed - against.compressed],
      ["Layers", String(image.layers.length), `the largest is ${size(Math.max(...image.layers.map((layer) => layer.unpacked)))}`, null],
      ["Hidden", size(image.hidden), image.hidden_count ? `${many(image.hidden_count, "file")} under later layers, ${percent(image.hidden, image.unpacked)}` : "no file is hidden by a later layer", against && image.hidden - against.hidden],
    ];
    at("figures").replaceChildren(...facts.map(([title, value, about, change]) => element("div", {},
      element("dt", {}, title),
      element("dd", { className: "value" }, value, change ? element("span", { className: `change ${change > 0 ? "grown" : "shrunk"}` }, signed(change)) : null),
      element("dd", { className: "about" }, about))));
  };

  const legend = () => {
    const said = image.groups.map((facts) => `${GROUPS[facts.group]} ${size(facts.size)}`).join(", ");
    at("share").setAttribute("aria-label", `Bytes of files by kind: ${said}`);
    at("share").replaceChildren(...image.groups.map((facts) => {
      const made = element("span", { className: `g-${facts.group}` });
      made.style.flexGrow = facts.size;
      return made;
    }));
    at("legend").replaceChildren(...image.groups.map((facts) => element("li", {},
      element("span", { className: `dot g-${facts.group}`, "aria-hidden": "true" }),
      element("span", {}, GROUPS[facts.group]),
      element("b", {}, size(facts.size)),
      element("span", { className: "muted" }, percent(facts.size, image.visible)))));
  };

  // The map and what is said beside it.

  const classOf = (node) => {
    if (state.colours === "kind" || !node.group) return `g-${node.group}`;
    const growth = node.part ? changed.get(node.part.id) ?? 0 : 0;
    const turned = state.side === image ? growth : -growth;
    return turned > 0 ? "grown" : turned < 0 ? "shrunk" : "same";
  };
  const describe = (node, place, short) => {
    if (short) return size(node.size);
    return `${size(node.size)}, ${percent(node.size, state.side.visible)} of the files`;
  };
  const map = new ImageMap(at("tree"), at("crumbs"), {
    classOf,
    describe,
    tell: (node, settled) => {
      if (settled) state.node = node;
      if (state.told !== node) detail(node);
    },
  });
  at("tree").addEventListener("pointerleave", () => detail(state.node || map.place));

  const link = (id) => {
    const part = parts.get(id);
    if (!part) return element("span", {}, id);
    return element("button", { type: "button", className: "link", on: { click: () => reveal(part) } }, part.name);
  };
  /** Links with a sign after each but the last, which stays on its line. */
  const joined = (ids, sign) => ids.flatMap((id, index) => [index ? " " : "", element("span", { className: "item" }, link(id), index < ids.length - 1 ? sign : "")]);
  const list = (ids, most = 12) => {
    const made = joined(ids.slice(0, most), ",");
    return ids.length > most ? [...made, ` and ${ids.length - most} more`] : made;
  };
  const why = (part) => {
    if (part.asked) return [`asked for: ${part.asked}`];
    if (!part.why.length) return [];
    if (part.why.length === 1) return [part.group === "python-packages" ? "nothing requires it" : "part of the base"];
    return joined(part.why.slice(0, -1), " ›");
  };
  const layerNames = (part) => {
    const said = part.layers.slice(0, 6).map((number) => `${number + 1}`).join(", ");
    return part.layers.length > 6 ? `${said} and ${part.layers.length - 6} more` : said;
  };

  const detail = (node) => {
    state.told = node;
    const part = node.part;
    const isPart = part && node.parent?.part !== part;
    const rows = [["Size", size(node.size)], ["Share", percent(node.size, state.side.visible)], ["Files", node.files.toLocaleString("en")]];
    if (isPart) {
      if (part.bytecode) rows.push(["Bytecode", size(part.bytecode)]);
      if (part.total !== part.size) rows.push(["With needs", size(part.total)]);
      if (part.frees !== part.size) rows.push(["Frees", size(part.frees)]);
      if (changed.has(part.id)) rows.push(["Change", signed(changed.get(part.id))]);
      if (part.layers.length) rows.push([part.layers.length === 1 ? "Layer" : "Layers", layerNames(part)]);
    }
    const children = [
      element("p", { className: "kind" }, element("span", { className: `dot g-${node.group}`, "aria-hidden": "true" }), node.group ? (isPart || !part ? GROUPS[node.group] : part.name) : "The image"),
      element("h3", {}, node.name, isPart && part.version ? element("span", { className: "version" }, ` ${part.version}`) : null),
      isPart && part.summary ? element("p", { className: "about" }, part.summary) : null,
      element("dl", { className: "pairs" }, ...rows.flatMap(([title, value]) => [element("dt", {}, title), element("dd", {}, value)])),
    ];
    if (isPart) {
      const texts = [["There for", why(part)], ["Requires", list(part.requires)], ["Required by", list(part.required_by)]];
      for (const [title, content] of texts) if (content.length) children.push(element("h4", {}, title), element("p", { className: "names" }, ...content));
    } else if (!part) {
      children.push(element("h4", {}, "Largest"), element("ol", { className: "largest" }, ...node.children.slice(0, 6).map((child) => element("li", {},
        element("button", { type: "button", className: "link", on: { click: () => map.open(child) } }, child.name), element("span", {}, size(child.size))))));
    }
    at("detail").replaceChildren(...children.filter(Boolean));
  };

  /** Show a part on the map, and say all about it. */
  const reveal = (part) => {
    if (state.side !== image) chooseSide(image);
    const node = map.root.children.find((group) => group.group === part.group)?.children.find((each) => each.part === part);
    if (!node) return;
    map.open(node.parent, { focus: false });
    at("map").scrollIntoView({ behavior: map.still.matches ? "auto" : "smooth" });
    if (map.focus(node)) return;
    map.open(node, { focus: false }); // too small to be seen beside the others
    detail(node);
  };

  const chooseSide = (side) => {
    state.side = side;
    state.node = null;
    map.show(nodesOf(side));
    detail(map.root);
  };

  // The tables.

  const total = image.visible;
  const packageColumns = [
    { title: "Package", value: (part) => part.name.toLowerCase(), cell: (part) => [
      element("span", { className: `dot g-${part.group}`, "aria-hidden": "true" }), link(part.id), element("span", { className: "version" }, ` ${part.version}`),
      part.summary ? element("span", { className: "summary-line", title: part.summary }, part.summary) : null,
      element("span", { className: "why-line" }, ...why(part))] },
    { title: "Size", right: true, value: (part) => part.size, cell: (part) => [bar(part.size / Math.max(image.parts[0]?.size, 1), `g-${part.group}`), figure(size(part.size))] },
    { title: "Share", right: true, className: "medium", cell: (part) => percent(part.size, total) },
    { title: "Bytecode", right: true, className: "large", value: (part) => part.bytecode, cell: (part) => (part.bytecode ? size(part.bytecode) : "") },
    { title: "With needs", right: true, className: "medium", value: (part) => part.total, cell: (part) => size(part.total) },
    { title: "Frees", right: true, className: "medium", value: (part) => part.frees, cell: (part) => size(part.frees) },
    { title: "There for", className: "why large", cell: why },
  ];
  const packages = new Table(at("package-table"), packageColumns, {
    caption: "Packages, folders of the application, and what belongs to no package",
    sort: { column: packageColumns[1], direction: "descending" },
    most: 25,
    empty: "No package matches. Another word, or another kind, may.",
  });
  const matches = (part) => {
    const words = state.query.toLowerCase().split(/\s+/).filter(Boolean);
    const text = [part.name, part.version, part.place, ...part.why.map((id) => parts.get(id)?.name ?? "")].join(" ").toLowerCase();
    return (!state.group || part.group === state.group) && words.every((word) => text.includes(word));
  };
  const filter = () => {
    const found = image.parts.filter(matches);
    packages.set(found);
    const sum = found.reduce((bytes, part) => bytes + part.size, 0);
    at("count").textContent = `${found.length} of ${image.parts.length}, ${size(sum)}`;
    const all = !state.query && !state.group;
    map.isDimmed = (node) => !all && Boolean(node.part) && !matches(node.part);
    map.draw();
  };

  const layerColumns = [
    { title: "#", right: true, cell: (layer) => String(layer.number + 1) },
    { title: "Made by", className: "why", cell: (layer) => [element("span", { className: "clamp", title: layer.title }, layer.title || "no history"), element("code", { className: "digest" }, layer.digest.slice(7, 19))] },
    { title: "Unpacked", right: true, value: (layer) => layer.unpacked, cell: (layer) => [bar(layer.unpacked / Math.max(...image.layers.map((each) => each.unpacked)), "plain"), figure(size(layer.unpacked))] },
    { title: "Compressed", right: true, value: (layer) => layer.compressed, cell: (layer) => size(layer.compressed) },
    { title: "Files", right: true, className: "medium", value: (layer) => layer.files, cell: (layer) => layer.files.toLocaleString("en") },
    { title: "Hidden", right: true, className: "medium", value: (layer) => layer.hidden, cell: (layer) => (layer.hidden ? size(layer.hidden) : "") },
    { title: "Most of it", className: "large", cell: (layer) => layer.parts.slice(0, 3).flatMap(([id, bytes], index) => [index ? ", " : "", link(id), ` ${size(bytes)}`]) },
  ];

  const fileColumns = [
    { title: "Path", className: "path", value: (file) => file.path, cell: (file) => file.path },
    { title: "Size", right: true, value: (file) => file.size, cell: (file) => [bar(file.size / Math.max(image.files[0]?.size, 1), `g-${parts.get(file.part)?.group}`), figure(size(file.size))] },
    { title: "Layer", right: true, className: "medium", value: (file) => file.layer, cell: (file) => String(file.layer + 1) },
    { title: "Of", className: "medium", cell: (file) => link(file.part) },
  ];

  const waste = () => {
    const place = at("waste-text");
    const fates = { removed: "removed by layer", replaced: "replaced by layer", repeated: "stored again, with the same content, by layer" };
    const hidden = element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Hidden files" });
    const said = image.hidden_count
      ? `${size(image.hidden)} in ${many(image.hidden_count, "file")}: later layers hide them, and everyone who pulls the image still fetches them.`
      : "No file is hidden by a later layer: whatever is fetched can be seen.";
    place.append(element("p", {}, said));
    if (image.hidden_count) {
      place.append(hidden);
      new Table(hidden, [
        { title: "Path", className: "path", value: (file) => file.path, cell: (file) => file.path },
        { title: "Size", right: true, value: (file) => file.size, cell: (file) => size(file.size) },
        { title: "Layer", right: true, value: (file) => file.layer, cell: (file) => String(file.layer + 1) },
        { title: "What became of it", cell: (file) => `${fates[file.fate]} ${file.by + 1}` },
      ], { caption: "Files that cannot be seen, largest first", rows: image.hidden_files, most: 10 });
    }
    if (image.copies.length) {
      const copies = element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Copies" });
      const extra = image.copies.reduce((sum, each) => sum + each.size * (each.paths.length - 1), 0);
      place.append(element("p", {}, `${size(extra)} in files whose content is elsewhere in the image, too. Libraries that wheels bring each for themselves are of this kind.`), copies);
      new Table(copies, [
        { title: "Paths", className: "path", cell: (each) => each.paths.map((path) => element("div", {}, path)) },
        { title: "Each", right: true, value: (each) => each.size, cell: (each) => size(each.size) },
      ], { caption: "Files with the same content", rows: image.copies, most: 5 });
    }
  };

  const comparison = () => {
    const shared = new Map(against.layers.map((layer) => [layer.digest, layer.compressed]));
    const both = image.layers.filter((layer) => shared.has(layer.digest));
    const count = (value) => value.toLocaleString("en");
    const rows = [
      ["Unpacked", against.unpacked, image.unpacked, size], ["Compressed", against.compressed, image.compressed, size],
      ["Hidden", against.hidden, image.hidden, size], ["Files", against.file_count, image.file_count, count], ["Layers", against.layers.length, image.layers.length, count],
    ];
    const changeOf = ([, before, after, write]) => (write === size ? signed(after - before) : `${after - before > 0 ? "+" : after < before ? "−" : "±"}${count(Math.abs(after - before))}`);
    new Table(at("totals"), [
      { title: "Total", cell: (row) => row[0] },
      { title: against.name, right: true, cell: (row) => row[3](row[1]) },
      { title: image.name, right: true, cell: (row) => row[3](row[2]) },
      { title: "Change", right: true, cell: (row) => changeOf(row) },
    ], { caption: `${many(both.length, "layer")} of ${image.layers.length} are shared, ${size(both.reduce((sum, layer) => sum + layer.compressed, 0))} compressed`, rows });
    const most = Math.max(...changes.map((change) => Math.abs(growthOf(change))), 1);
    const write = (side) => (side ? [side.version && element("span", { className: "version" }, `${side.version} `), size(side.size)] : "");
    const kindOf = (change) => (!change.before ? "added" : !change.after ? "removed" : change.before.version !== change.after.version ? "updated" : "resized");
    const columns = [
      { title: "Package", value: (change) => change.name.toLowerCase(), cell: (change) => [element("span", { className: `badge ${kindOf(change)}` }, kindOf(change)), " ", parts.has(change.id) ? link(change.id) : element("span", {}, change.name)] },
      { title: "Before", right: true, className: "medium", cell: (change) => write(change.before) },
      { title: "After", right: true, className: "medium", cell: (change) => write(change.after) },
      { title: "Change", right: true, value: growthOf, cell: (change) => [bar(Math.abs(growthOf(change)) / most, growthOf(change) > 0 ? "grown" : "shrunk"), figure(signed(growthOf(change)))] },
    ];
    const table = new Table(at("changes"), columns, { caption: "Packages and folders that changed, the largest change first", rows: changes, most: 25, empty: "Every package and folder is the same." });
    const query = at("change-query");
    const update = () => {
      const word = query.value.trim().toLowerCase();
      const found = changes.filter((change) => change.name.toLowerCase().includes(word));
      table.set(found);
      at("change-count").textContent = `${found.length} of ${changes.length}, ${signed(found.reduce((sum, change) => sum + growthOf(change), 0))}`;
    };
    query.addEventListener("input", update);
    update();
  };

  const theme = () => {
    const names = ["auto", "dark", "light"];
    at("theme").addEventListener("click", () => {
      const next = names[(names.indexOf(document.documentElement.dataset.theme || "auto") + 1) % names.length];
      document.documentElement.dataset.theme = next;
      at("theme").textContent = `Theme: ${next}`;
    });
  };

  theme();
  figures();
  legend();
  chooseSide(image);
  if (against) {
    choices(at("sides"), [[image, image.name], [against, against.name]], image, chooseSide);
    choices(at("colours"), [["kind", "By kind"], ["change", "By change"]], "kind", (value) => { state.colours = value; map.draw(); });
    comparison();
  }
  choices(at("groups"), [["", "All"], ...image.groups.map((facts) => [facts.group, GROUPS[facts.group]])], "", (value) => { state.group = value; filter(); });
  at("query").addEventListener("input", () => { state.query = at("query").value; filter(); });
  filter();
  new Table(at("layer-table"), layerColumns, { caption: "Bytes of each layer as a tar, and as a registry has it", rows: image.layers, most: 20 });
  new Table(at("file-table"), fileColumns, { caption: "The largest files that can be seen", rows: image.files, most: 15, empty: "The image has no files." });
  waste();
})();
