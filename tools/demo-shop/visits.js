// Stands for a counter of visits: it runs only after a yes, and what it keeps is named in policies/sites.toml.
const before = Number(localStorage.getItem("shop-visits") || 0);
localStorage.setItem("shop-visits", String(before + 1));
document.cookie = `shop_visits=${before + 1}; path=/; samesite=lax`;
const shown = document.getElementById("visits");
if (shown) shown.textContent = `${before + 1} pages`;
