"""The fields of every kind of record that Selftimer knows, in one table; `drift.py` reads it.

It is whole: what studio-api.md documents, and what is inferred. The kinds below *Inferred* aren't documented at all;
of the others, a field that may be absent (`?`) is mostly an inferred one.
"""

from __future__ import annotations

_PERSON = "client{id first_name last_name email}"
_DATED = "id name status=active|archived|draft|locked variables[]? created_at? updated_at?"
_INTERVAL = "id day_of_week# date intervals[start_time end_time]"
_COLLECTION = (
    "id name description gallery_count# client_count# photo_count# video_count# password_protected~ downloadable~ "
    "expiry_date created_at? video_cover.?"
)
_SUMS = "total_invoices# total_amount# paid_amount# unpaid_amount# overdue_count# currency"
_LISTED = "document_type?"
"""A document in the list of a client's says what it is."""

FACTS: dict[str, str] = {
    # Clients and leads
    "client": "id email status_name first_name last_name phone company job_title notes avatar_color created_at sample~ "
    "type type_formatted address_info{address_line_1 address_line_2 city postal_code state country country_id}",
    # Session types, availability, sessions
    "session_type": "id name status=published|draft duration# location description payment_amount_full# "
    "payment_amount_partial# currency collect_payment~ minimum_notice_duration# maximum_notice_duration# "
    "payment_methods[id? name enabled~ type instructions] session_type_schedule{id name schedule_type "
    "display_timezone session_type_schedule_intervals[]} contract_template_id auto_send_contract~ "
    "contract_required_for_booking~ buffer_before_duration#? buffer_after_duration#? taxes[name rate#]? "
    "questionnaire_template_id? created_at?",
    "schedule": f"id name schedule_type display_timezone session_type_schedule_intervals[{_INTERVAL}]",
    # Invoices and payments
    "invoice": f"id invoice_number amount# currency status due_date created_at {_PERSON} line_items[id name "
    "description quantity# amount# taxable~ tax_rate# tax_amount# *] payments[*] associated_documents[] "
    f"discount_amount#? coupon_code? {_LISTED}",
    "payment": "id invoice_id amount# currency payment_date payment_method payment_method_details{} status "
    f"transaction_fee# processor_fee# net_amount# {_PERSON} amount_refunded#?",
    "invoice_summary": f"{_SUMS} other_currencies[{_SUMS}]?",
    # Contracts and questionnaires
    "contract": f"id contract_number status created_at sent_at due_date signed_date {_PERSON} "
    "template{id name due_days#} content{rendered_html variables{}} "
    f"signatures[signer_type signer_name signer_email signed_at signature_image_url] {_LISTED}",
    "questionnaire": "id status created_at updated_at completed_at due_date template{id name} "
    f"{_PERSON} responses[field_name field_label response. *] {_LISTED}",
    # Conversations
    "conversation": "id client_id subject created_at updated_at last_message_at status=active|archived "
    "unread_count# participants[id name email type=client|photographer avatar_color] messages[*]?",
    "message": "id conversation_id content sent_at read_at sender_type sender_id "
    "attachments[id filename file_size# content_type url]",
    "unread_count": "unread_count# conversations_with_unread#",
    # Templates
    "email_template": f"{_DATED} subject html_body?",
    "contract_template": f"{_DATED} due_days# html_body signers[] reminders{{}}",
    "invoice_template": f"{_DATED} payment_terms_days# is_default~? late_fee.? late_fees.? accepted_methods[]? "
    "currency?",
    "questionnaire_template": f"{_DATED} questions[]",
    "quote_template": f"{_DATED} validity_days# package_items[] pricing_settings{{}}",
    "email_content": "subject text_content html_content? rendered_variables{} missing_variables[]",
    # Coupons and gift cards
    "coupon": "id code discount_type=percentage|fixed_amount discount_value# "
    "status=active|disabled|expired|exhausted usage_count# usage_limit# minimum_order_amount# expires_at "
    "description created_at?",
    "gift_card": "id code amount# balance# status=active|redeemed|expired expires_at purchased_by currency? "
    "created_at?",
    # The Gallery API
    "collection": _COLLECTION,
    "gallery": "id collection_id name description photo_count# video_count# private~ download. cover_photo.",
    "collection_client": "id email name access_level last_accessed favorites_count#",
    "bootstrap": "account{*} profile{*}",
    # Inferred
    "account": "account_id account_name notifications[*]",
    "session": f"id status start_at end_at timezone location created_at updated_at {_PERSON} "
    "session_type{id name duration#} invoice_id contract_id questionnaire_id",
    "day_availability": "date timezone slots[start_at end_at time]",
    "month_availability": "month timezone days[date available~ slot_count#]",
    "schedule_interval": _INTERVAL,
    "quote": f"id status created_at valid_until amount# currency {_PERSON} template{{id name}} items[*] invoice_id? "
    f"{_LISTED}",
    "coupon_activity": f"id coupon_id invoice_id order_amount# discount_amount# currency {_PERSON} created_at",
    "collection_settings": f"{_COLLECTION} password client_id",
    "before_show": "id name expired~ expiry_date requires_password~ requires_email~",
    "before_download": "id downloadable~ requires_email~ sizes[]",
    "visitor": "email name first_visited_at last_visited_at favorites_count#",
    "download": "id type gallery_id photo_id email downloaded_at",
    "sharing_link": "id photo_id url created_by created_at",
    "favorite": "photo_id gallery_id email created_at",
    "photo": "id gallery_id collection_id url starred_at",
}
"""Kind → fields as studio-api.md lists them. `#` is a number, `~` yes or no, `.` anything; `[…]` a list of objects and
`{…}` an object with those fields (nothing: not looked into); `*` says that the facts' list isn't whole; `?` may be
absent. A name's `…_formatted` twin is known with it. `=a|b` are the words of an enum that no wire model reads."""

READ_BESIDES: dict[str, tuple[str, ...]] = {
    "invoice": ("payments",),
    "conversation": ("messages",),
    "email_content": ("subject", "text_content", "missing_variables"),
}
"""What is read without a wire model: records of their own kinds, out of another one's answer; the text of a message."""

ID_FORMS: dict[str, str] = {"collection": r"\d{8}", "gallery": r"\d{9}", "photo": r"\d+"}
"""The Gallery API's ids: digits, as text or as a number (studio-api.md, IDs)."""

EXPORT = frozenset(
    {"id", "type", "status_name", "first_name", "last_name", "email", "phone", "company", "job_title", "notes"}
    | {"created_at", "address_line_1", "address_line_2", "city", "postal_code", "state", "country"}
)
"""Columns of the export of clients that may be named; which ones there are isn't documented."""
