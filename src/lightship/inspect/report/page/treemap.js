// A squarified treemap (Bruls, Huizing and van Wijk, "Squarified Treemaps", 2000): rectangles as near to
// squares as can be, largest first. Pure: sizes and a rectangle in, rectangles out.
"use strict";

const treemap = (() => {
  /** Worst proportion of the rectangles of a row that is `side` long; `sum` is their area. */
  const worst = (sum, least, most, side) => {
    const square = side * side, area = sum * sum;
    return Math.max((square * most) / area, area / (square * least));
  };

  /** Divide `box` ({x, y, w, h}) among `items`, which have a `size` and are sorted, largest first. */
  const squarify = (items, box) => {
    const found = [];
    const sized = items.filter((item) => item.size > 0);
    let left = sized.reduce((sum, item) => sum + item.size, 0);
    let { x, y, w, h } = box;
    for (let start = 0; start < sized.length; ) {
      const side = Math.min(w, h);
      if (side <= 0) break;
      const scale = (w * h) / left;
      let end = start, sum = 0, best = Infinity;
      while (end < sized.length) {
        const next = sum + sized[end].size * scale;
        const shape = worst(next, sized[end].size * scale, sized[start].size * scale, side);
        if (shape > best) break;
        best = shape;
        sum = next;
        end += 1;
      }
      const depth = sum / side;
      let at = 0;
      for (const item of sized.slice(start, end)) {
        const length = (item.size * scale) / depth;
        found.push(w >= h ? { item, x, y: y + at, w: depth, h: length } : { item, x: x + at, y, w: length, h: depth });
        at += length;
        left -= item.size;
      }
      if (w >= h) { x += depth; w -= depth; } else { y += depth; h -= depth; }
      start = end;
    }
    return found;
  };

  return { squarify };
})();
