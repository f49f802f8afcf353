// What is wrong with the page, given the screen it should fit and whether its action has to be on that: a list of sentences.
const [width, height, actsAtOnce] = arguments;
const faults = [];
const all = (css) => [...document.querySelectorAll(css)];
const name = (element) => element.outerHTML.slice(0, 120);
const seen = (element) => element.checkVisibility();
// What says nothing to the eye.
const hidden = (element) => element.closest('.unseen, [aria-hidden=true]') !== null;

if (all('h1').filter(seen).length !== 1) faults.push('not one h1');
if (all('main').length !== 1) faults.push('not one main');
if (!document.documentElement.lang) faults.push('no lang');
if (!document.title.trim()) faults.push('no title');
if (!document.querySelector('meta[name=viewport]')) faults.push('no viewport');
const ids = all('[id]').map((element) => element.id);
if (new Set(ids).size !== ids.length) faults.push(`ids twice: ${ids}`);

for (const field of all('input:not([type=hidden]), select, textarea')) {
  if (!field.labels.length) faults.push(`no label: ${name(field)}`);
}
for (const element of all('button, a, summary, label, th, h1, h2')) {
  if (!element.textContent.trim()) faults.push(`no text: ${name(element)}`);
}
for (const element of all('[aria-describedby], [aria-labelledby]')) {
  for (const attribute of ['aria-describedby', 'aria-labelledby']) {
    for (const id of (element.getAttribute(attribute) ?? '').split(' ').filter(Boolean)) {
      if (!document.getElementById(id)) faults.push(`${attribute} names nothing: ${name(element)}`);
    }
  }
}
for (const image of all('svg')) {
  const title = document.getElementById(image.getAttribute('aria-labelledby'));
  const says = image.getAttribute('role') === 'img' && title?.textContent.trim();
  if (image.getAttribute('aria-hidden') !== 'true' && !says) faults.push(`a picture without words: ${name(image)}`);
}

// Nothing is wider than the screen, or cut off.
if (document.documentElement.scrollWidth > width) {
  faults.push(`${document.documentElement.scrollWidth} px wide`);
}
// These end in an ellipsis where they are too long; the stub's heading is whole once its summary is unfolded.
const shortened = (element) => element.matches('.brand bdi, .stub h2');
const fold = document.querySelector('.fold');
const isCut = ({ scrollWidth, clientWidth, scrollHeight, clientHeight }) => scrollWidth > clientWidth + 1 || scrollHeight > clientHeight + 1;
for (const element of all('body *').filter((e) => seen(e) && !hidden(e) && !e.closest('svg'))) {
  const { left, right } = element.getBoundingClientRect();
  const within = element.parentElement.closest('.brand bdi, .stub h2');
  // A table of many columns, or what is to be copied, is scrolled by itself (WCAG 2.2, 1.4.10).
  if (element.closest('.scroll, pre')) continue;
  if (!within && (left < -0.5 || right > width + 0.5)) faults.push(`from ${left} to ${right} px: ${name(element)}`);
  const cuts = getComputedStyle(element).overflow !== 'visible' && element.tagName !== 'INPUT';
  if (cuts && isCut(element) && !shortened(element)) faults.push(`cut off: ${name(element)}`);
}
if (fold && all('.brand bdi, .stub h2').some(isCut)) {
  const [brand, heading] = [document.querySelector('.brand bdi'), document.querySelector('.stub h2')];
  const was = fold.open;
  fold.open = true;
  if (isCut(heading)) faults.push(`unfolded, and still cut off: ${name(heading)}`);
  fold.open = was;
  if (!heading.textContent.includes(brand.textContent) && isCut(brand)) faults.push(`whole nowhere: ${name(brand)}`);
}

// Nothing stands on anything else.
const texts = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode;
  if (node.data.trim() && seen(node.parentElement) && !hidden(node.parentElement)) texts.push(node);
}
const range = document.createRange();
const boxes = texts.filter((node) => !node.parentElement.closest('.brand bdi, .stub h2')).flatMap((node) => {
  range.selectNodeContents(node);
  return [...range.getClientRects()].map((rect) => ({ node, rect }));
});
boxes.sort((a, b) => a.rect.top - b.rect.top);
boxes.forEach(({ node, rect }, at) => {
  for (let next = at + 1; next < boxes.length && boxes[next].rect.top < rect.bottom - 4; next += 1) {
    const other = boxes[next];
    if (other.node !== node && other.rect.left < rect.right - 2 && rect.left < other.rect.right - 2) {
      faults.push(`“${node.data.trim()}” and “${other.node.data.trim()}” stand on each other`);
    }
  }
});

// No amount breaks into two lines.
const whole = /(?:[£€$]|SEK\s?)\d[\d.,\u00a0\u202f]*\d|\d[\d.,\u00a0\u202f]*\s(?:£|€|\$|kr|SEK)/g;
for (const element of all('.amount, .price, .total, .digits').filter(seen)) {
  range.selectNodeContents(element);
  const lines = new Set([...range.getClientRects()].map((rect) => Math.round(rect.top)));
  if (lines.size > 1) faults.push(`breaks: ${name(element)}`);
}
for (const node of texts) {
  for (const match of node.data.matchAll(whole)) {
    range.setStart(node, match.index);
    range.setEnd(node, match.index + match[0].length);
    const lines = new Set([...range.getClientRects()].map((rect) => Math.round(rect.top)));
    if (lines.size > 1) faults.push(`${match[0]} breaks: ${name(node.parentElement)}`);
  }
}

// A thumb hits what can be pressed: 44 px, and for links 24 (WCAG 2.2, 2.5.8), but for those in a sentence.
for (const element of all('button, .button, summary, input:not([type=hidden])').filter(seen)) {
  // A box is ticked by its words as well.
  const pressed = ['checkbox', 'radio'].includes(element.type) ? element.labels[0] : element;
  const { width, height } = pressed.getBoundingClientRect();
  if (height < 44 || width < 24) faults.push(`too small for a thumb: ${name(element)}`);
}
for (const link of all('a').filter((link) => seen(link) && getComputedStyle(link).display !== 'inline')) {
  const { width, height } = link.getBoundingClientRect();
  if (height < 24 || width < 24) faults.push(`too small for a thumb: ${name(link)}`);
}

// What is asked for can be done without scrolling.
const action = document.querySelector('.action .primary, .action .banks button');
if (actsAtOnce && document.querySelector('.action .steps') && action && !fold?.open && !document.querySelector('[role=alert]')) {
  const bottom = action.getBoundingClientRect().bottom + scrollY;
  if (bottom > height) faults.push(`the action ends at ${Math.round(bottom)} px: ${name(action)}`);
}

// WCAG 2's contrast of every text with the colour behind it: 4.5, or 3 for large text.
const parse = (colour) => colour.match(/[\d.]+/g).map(Number);
const luminance = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const behind = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const colour = parse(getComputedStyle(e).backgroundColor);
    if (colour[3] !== 0) return colour;
  }
  return [255, 255, 255];
};
for (const element of new Set(texts.map((node) => node.parentElement))) {
  const style = getComputedStyle(element);
  const [a, b] = [luminance(parse(style.color)), luminance(behind(element))];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
  if (contrast < (large ? 3 : 4.5)) faults.push(`contrast ${contrast.toFixed(2)}: ${name(element)}`);
}
return faults;
