// What the pages do beyond links and forms; they work without it. No dependencies.

const toast = document.querySelector('[data-toast]');
const badge = document.querySelector('[data-basket-count]');
let toastTimer = 0;

document.documentElement.classList.add('js');
showCount();
addEventListener('pageshow', showCount);
document.addEventListener('submit', onSubmit);
document.addEventListener('change', onChange);
document.addEventListener('click', onClick);
document.addEventListener('keydown', onKey);
document.addEventListener('pointerover', prefetch, { passive: true });
document.addEventListener('focusin', prefetch);

/** The count stands in a cookie, so that the pages are the same for everybody. */
function showCount() {
  const count = Number(/(?:^|; )basket-count=(\d+)/.exec(document.cookie)?.[1] ?? 0);
  badge.hidden = count === 0;
  badge.textContent = String(count);
  badge.closest('a').setAttribute('aria-label', `Basket, ${count} ${count === 1 ? 'item' : 'items'}`);
}

/** Says it, to eyes and to screen readers. */
function say(message, link) {
  toast.replaceChildren(message);
  if (link) {
    const anchor = document.createElement('a');
    anchor.href = link.href;
    anchor.textContent = link.text;
    toast.append(' ', anchor);
  }
  toast.classList.add('is-shown');
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => toast.classList.remove('is-shown'), 6000);
}

function onSubmit(event) {
  const form = event.target;
  if (form.matches('[data-add]')) {
    event.preventDefault();
    addToBasket(form);
  } else if (form.matches('[data-change]')) {
    event.preventDefault();
    changeBasket(form);
  }
}

async function addToBasket(form) {
  const button = form.querySelector('button');
  if (button.getAttribute('aria-busy') === 'true') return;
  button.setAttribute('aria-busy', 'true');
  const fields = new FormData(form);
  try {
    const response = await fetch('/Basket/', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ product: fields.get('product'), quantity: Number(fields.get('quantity')) }),
    });
    const answer = await response.json();
    showCount();
    if (response.ok) say('Added to your basket.', { href: '/basket', text: 'View basket' });
    else say(answer.detail ?? answer.title ?? 'That did not work. Please try again.');
  } catch {
    say('The shop can not be reached. Please try again.');
  } finally {
    button.removeAttribute('aria-busy');
  }
}

/** Sends the form and puts the basket of the answer in the place of the one that is shown. */
async function changeBasket(form) {
  const focused = document.activeElement?.id;
  try {
    const response = await fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) });
    const answer = new DOMParser().parseFromString(await response.text(), 'text/html');
    const basket = answer.querySelector('[data-basket]');
    if (!basket) return form.submit();
    keepTyped(basket);
    document.querySelector('[data-basket]').replaceWith(basket);
    (document.getElementById(focused) ?? document.getElementById('main')).focus({ preventScroll: true });
    showCount();
    say('Basket updated.');
  } catch {
    say('The shop can not be reached. Please try again.');
  }
}

/** What the visitor has typed into the order form stays. */
function keepTyped(basket) {
  for (const name of ['name', 'email', 'address']) {
    const from = document.getElementById(name);
    const to = basket.querySelector(`#${name}`);
    if (from && to) to.value = from.value;
  }
}

/** What the basket can not hold is put back, so that the quantity shown is always the one that would be ordered. */
function onChange(event) {
  const input = event.target;
  if (!input.matches('[data-change] input[type="number"]')) return;
  if (input.checkValidity()) return input.form.requestSubmit();
  input.value = input.defaultValue;
  say(`A basket holds up to ${input.max} of one product. There are still ${input.defaultValue} of it.`);
}

function onClick(event) {
  const thumbnail = event.target.closest('[data-gallery] li a');
  if (thumbnail) {
    event.preventDefault();
    showPicture(thumbnail);
  }
  for (const menu of document.querySelectorAll('.menu details[open]'))
    if (!menu.contains(event.target)) menu.open = false;
}

function showPicture(thumbnail) {
  const gallery = thumbnail.closest('[data-gallery]');
  const main = gallery.querySelector('.gallery-main');
  main.href = thumbnail.href;
  Object.assign(main.querySelector('img'), { src: thumbnail.href, alt: thumbnail.dataset.alt });
  for (const other of gallery.querySelectorAll('li a')) other.removeAttribute('aria-current');
  thumbnail.setAttribute('aria-current', 'true');
}

function onKey(event) {
  if (event.key !== 'Escape') return;
  for (const menu of document.querySelectorAll('.menu details[open]')) {
    menu.open = false;
    menu.querySelector('summary').focus();
  }
}

/** A page somebody is about to open is fetched while they make up their mind. */
function prefetch(event) {
  const link = event.target.closest?.('a[href^="/p/"], a[href^="/c/"]');
  if (!link || link.dataset.prefetched || navigator.connection?.saveData) return;
  link.dataset.prefetched = 'yes';
  const hint = document.createElement('link');
  Object.assign(hint, { rel: 'prefetch', href: link.href });
  document.head.append(hint);
}
