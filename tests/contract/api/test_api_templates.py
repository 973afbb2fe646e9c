from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.api.kit import empty, meet

from selftimer.errors import NotAllowed, NotFound, Refused
from selftimer.studio import models

if TYPE_CHECKING:
    from tests.contract.api.kit import Meeting

KINDS = ("email", "contract", "invoice", "questionnaire", "quote")
PREFIX = {"email": "et_", "contract": "ct_", "invoice": "itp_", "questionnaire": "qt_", "quote": "qp_"}
MODELS = {
    "email": models.EmailTemplate, "contract": models.ContractTemplate, "invoice": models.InvoiceTemplate,
    "questionnaire": models.QuestionnaireTemplate, "quote": models.QuoteTemplate,
}  # fmt: skip

WORDS: dict[str | None, Any] = {"text": "Łódź", "date": "2026-05-01", "currency": 1_000_000, "boolean": True}


def group(m: Meeting, kind: str) -> Any:
    return getattr(m.studio, f"{kind}_templates")


def of_kind(m: Meeting, kind: str) -> list[Any]:
    return [row for row in m.world.tables.templates.newest() if row.kind == kind]


@pytest.mark.calls(
    "template.email.list", "template.contract.list", "template.invoice.list", "template.questionnaire.list",
    "template.quote.list",
)  # fmt: skip
async def test_templates_of_every_kind_are_listed_over_all_pages_and_by_status() -> None:
    for kind in KINDS:
        m = meet(empty(), page_size=2)
        rows = of_kind(m, kind)
        found = await group(m, kind).list()
        assert [template.id for template in found] == [row.id for row in rows]
        assert {type(template) for template in found} == {MODELS[kind]}
        rows[0].status = "archived"
        m.world.tables.templates.touch(rows[0].id)
        assert [template.id for template in await group(m, kind).list("archived")] == [rows[0].id]
        assert m.last(f"template.{kind}.list").query == {"page": "1", "per_page": "2", "status": "archived"}
        assert await group(m, kind).list("draft") == ()


@pytest.mark.calls(
    "template.email.get", "template.contract.get", "template.invoice.get", "template.questionnaire.get",
    "template.quote.get",
)  # fmt: skip
async def test_a_template_of_every_kind_is_read_by_its_id() -> None:
    for kind in KINDS:
        m = meet(empty())
        for listed in await group(m, kind).list():
            assert await group(m, kind).get(listed.id) == listed
        with pytest.raises(NotFound) as gone:
            await group(m, kind).get(PREFIX[kind] + "x" * 30)
        assert gone.value.code == "template_not_found"
        with pytest.raises(Refused) as wrong:
            await group(m, kind).get("nonsense")
        assert wrong.value.details["expected_prefix"] == PREFIX[kind]


async def test_what_each_kind_has_of_its_own_is_typed() -> None:
    m = meet(empty())
    contract = (await m.studio.contract_templates.list())[0]
    assert contract.due_days
    assert contract.html_body
    assert [signer.type for signer in contract.signers]
    assert (await m.studio.questionnaire_templates.list())[0].questions[0].question_text
    assert (await m.studio.quote_templates.list())[0].validity_days
    assert sum(template.is_default for template in await m.studio.invoice_templates.list()) == 1
    email = (await m.studio.email_templates.list())[0]
    assert email.subject
    assert {variable.name for variable in email.variables} >= {"client_name"}


@pytest.mark.calls("template.email.content")
@pytest.mark.parametrize("form", ["html", "text", "both"])
async def test_an_emails_content_comes_with_its_variables_in_each_form(form: Any) -> None:
    m = meet(empty())
    template = next(row for row in await m.studio.email_templates.list() if row.name == "Session details")
    values = {"client_name": "Åsa & <Söhne> “王”", "session_date": "2026-05-01"}
    content = await m.studio.email_templates.content(template.id, values, form)
    assert m.last("template.email.content").query["format"] == form
    assert content.subject == "Your session on 2026-05-01"
    assert (content.html_content is None, content.text_content is None) == (form == "text", form == "html")
    if content.text_content is not None:
        assert values["client_name"] in content.text_content
    if content.html_content is not None:
        assert "&lt;Söhne&gt;" in content.html_content
    assert content.missing_variables == ()


@pytest.mark.calls("template.email.content")
async def test_variables_that_are_missing_are_named_and_unknown_ones_refused() -> None:
    m = meet(empty())
    template = next(row for row in await m.studio.email_templates.list() if row.name == "Session details")
    content = await m.studio.email_templates.content(template.id, {})
    assert set(content.missing_variables) >= {"session_date"}
    with pytest.raises(Refused) as unknown:
        await m.studio.email_templates.content(template.id, {"nonsense": "x"})
    assert unknown.value.code == "invalid_template_variable"
    assert "client_name" in unknown.value.details["available_variables"]
    with pytest.raises(Refused) as wrong:
        await m.studio.email_templates.content(template.id, {"session_date": "soon"})
    assert wrong.value.code == "invalid_variable_type"
    assert wrong.value.details.keys() == {"session_date"}


@pytest.mark.calls(
    "template.email.preview", "template.contract.preview", "template.invoice.preview",
    "template.questionnaire.preview", "template.quote.preview",
)  # fmt: skip
async def test_a_template_of_every_kind_is_previewed_and_nothing_is_changed() -> None:
    for kind in KINDS:
        m = meet(empty())
        template = (await group(m, kind).list())[-1]
        values = {variable.name: WORDS[variable.type] for variable in template.variables}
        preview = await group(m, kind).preview(template.id, values, "text")
        assert isinstance(preview, models.Rendered)
        assert preview.html_content is None
        if any(variable.required for variable in template.variables):
            with pytest.raises(Refused) as missing:
                await group(m, kind).preview(template.id, {})
            assert missing.value.code == "missing_required_variables"
        with pytest.raises(Refused) as unknown:
            await group(m, kind).preview(template.id, {"nonsense": "x"})
        assert unknown.value.code == "invalid_template_variable"
        with pytest.raises(NotFound):
            await group(m, kind).preview(PREFIX[kind] + "x" * 30, {})
        assert m.world.ledger.writes == []


@pytest.mark.calls("template.contract.update")
async def test_a_contracts_template_is_changed_and_what_can_not_be_is_refused() -> None:
    m = meet(empty())
    (template, other, *_) = await m.studio.contract_templates.list()
    after = await m.studio.contract_templates.update(template.id, {"name": "Umowa ślubna", "due_days": 21})
    assert (after.name, after.due_days, after.html_body) == ("Umowa ślubna", 21, template.html_body)
    assert await m.studio.contract_templates.get(template.id) == after
    with pytest.raises(Refused) as wrong:
        await m.studio.contract_templates.update(template.id, {"due_days": -1})
    assert "due_days" in wrong.value.details
    m.world.tables.templates.rows[other.id].status = "locked"
    with pytest.raises(NotAllowed) as locked:
        await m.studio.contract_templates.update(other.id, {"due_days": 1})
    assert locked.value.code == "insufficient_permissions"
    with pytest.raises(NotFound):
        await m.studio.contract_templates.update("ct_" + "x" * 30, {"due_days": 1})
    assert len(m.wrote("template_update")) == 1
