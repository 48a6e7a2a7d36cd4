function row({ protocol, url }) {
  const element = document.getElementById('address-row').content.firstElementChild.cloneNode(true);
  const [chip, address, copy] = element.children;
  chip.textContent = protocol.toUpperCase();
  chip.classList.add(protocol);
  address.textContent = url;
  copy.hidden = !navigator.clipboard; // a phone has one only over HTTPS
  copy.setAttribute('aria-label', `Copy the ${protocol} address`);
  copy.onclick = async () => {
    await navigator.clipboard.writeText(url);
    copy.textContent = 'Copied';
  };
  return element;
}

/** Where else the channel plays: the files of the page's own players, and the servers beside them. */
export function showAddresses(channel) {
  const here = (url) => new URL(url, location.href).href;
  const files = [
    { protocol: 'hls', url: here(channel.hls[0].url) },
    { protocol: 'dash', url: here(channel.dash) },
  ];
  document.getElementById('addresses').replaceChildren(...[...files, ...channel.others].map(row));
}
