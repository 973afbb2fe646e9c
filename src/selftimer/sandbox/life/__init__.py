"""The life of the studio: what people do by themselves, and how they take what they are sent.

Each module of actors writes its `PART` of the script: `@PART.on` says who carries out a happening that stands on the
studio's heap, `@PART.hears` who reacts to a deed in its books. `cast` names all parts.
"""
