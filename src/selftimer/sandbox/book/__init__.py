"""What can be done in the studio, by anybody: the API's user, the owner by hand, the clients, the product itself.

Each deed changes the records, makes the change visible, and tells the life behind it (`Studio.noticed`). Deeds of the
API's user and of life go through the same functions, so that both follow the product's rules.
"""
