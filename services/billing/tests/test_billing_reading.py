"""Lists go on where their cursor says, and an invoice shows its lines."""

from services.billing.tests.billing_scene import Scene


async def test_a_list_goes_on_where_its_cursor_says(scene: Scene) -> None:
    ids = [str((await scene.opened())[1].id) for _ in range(3)]
    _, page = await scene.ask("GET", "/invoices?limit=2")
    assert [one["id"] for one in page["items"]] == [ids[2], ids[1]]
    _, rest = await scene.ask("GET", f"/invoices?limit=2&cursor={page['next_cursor']}")
    assert [one["id"] for one in rest["items"]] == [ids[0]]
    assert rest["next_cursor"] is None


async def test_an_invoice_shows_its_lines_and_why(scene: Scene) -> None:
    _, invoice = await scene.opened()
    status, shown = await scene.ask("GET", f"/invoices/{invoice.id}")
    assert (status, shown["status"], shown["number"], shown["repriced"]) == (200, "to_pay", None, True)
    (line,) = shown["lines"]
    assert line["child_name"] == "Inès Moreau"
    assert len(line["dates"]) == 5
    assert "de votre quotient 980" in line["explanation"]
