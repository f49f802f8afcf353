// What the link says after its # is for this page alone: it is sent on in a form.
const form = document.forms[0];
for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
  const field = form.elements.namedItem(name);
  if (field) field.value = value;
}
if (location.hash) form.submit();
