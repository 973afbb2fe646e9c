"""The API's resources, one module each; `ROUTES` of each lists method, path and function."""
