// Shows the API of the session that serves this page. "Authorize" takes the token that `ovr start` has printed.
window.ui = SwaggerUIBundle({
  url: "/v1/openapi.json",
  dom_id: "#page",
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
