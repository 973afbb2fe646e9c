"""Pure: the rule language. Models, loading with file:line:column, expressions, matching, trace."""
