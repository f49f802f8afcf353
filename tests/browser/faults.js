// What is wrong with the page, given the width it should fit: a list of sentences.
const width = arguments[0];
const faults = [];
const all = (css) => [...document.querySelectorAll(css)];
const name = (element) => element.outerHTML.slice(0, 120);
const seen = (element) => element.checkVisibility();

if (all('h1').filter(seen).length !== 1) faults.push('not one h1');
if (all('main').length !== 1) faults.push('not one main');
if (!document.documentElement.lang) faults.push('no lang');
if (!document.title.trim()) faults.push('no title');
if (!document.querySelector('meta[name=viewport]')) faults.push('no viewport');
if (document.documentElement.scrollWidth > width) {
  faults.push(`${document.documentElement.scrollWidth} px wide`);
}
const ids = all('[id]').map((element) => element.id);
if (new Set(ids).size !== ids.length) faults.push(`ids twice: ${ids}`);

for (const field of all('input:not([type=hidden]), select, textarea')) {
  if (!field.labels.length) faults.push(`no label: ${name(field)}`);
}
for (const element of all('button, a, summary, label, th, h1, h2')) {
  if (!element.textContent.trim()) faults.push(`no text: ${name(element)}`);
}
for (const element of all('button, .button, summary, input:not([type=hidden])').filter(seen)) {
  // A box is ticked by its words as well.
  const pressed = element.type === 'checkbox' ? element.labels[0] : element;
  if (pressed.getBoundingClientRect().height < 44) faults.push(`too small for a thumb: ${name(element)}`);
}
for (const element of all('[aria-describedby], [aria-labelledby]')) {
  for (const attribute of ['aria-describedby', 'aria-labelledby']) {
    for (const id of (element.getAttribute(attribute) ?? '').split(' ').filter(Boolean)) {
      if (!document.getElementById(id)) faults.push(`${attribute} names nothing: ${name(element)}`);
    }
  }
}
for (const image of all('svg')) {
  if (image.getAttribute('aria-hidden') !== 'true') faults.push(`a picture without words: ${name(image)}`);
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
for (const element of all('body *').filter(seen)) {
  if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
  const style = getComputedStyle(element);
  const [a, b] = [luminance(parse(style.color)), luminance(behind(element))];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
  if (contrast < (large ? 3 : 4.5)) faults.push(`contrast ${contrast.toFixed(2)}: ${name(element)}`);
}
return faults;
