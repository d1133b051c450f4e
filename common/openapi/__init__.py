"""OpenAPI 3.1 from the code's own types: routes say what they take and answer, and the document is made of that."""
