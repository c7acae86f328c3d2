"""The PayFiP stand-in, driven by eopayment as it is published, only its WSDL address changed."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest
import requests
from eopayment.payfip_ws import PayFiP, PayFiPError
from french.paris import PARIS

from deploy.sandbox.testing import Sandbox, sandbox

NAMESPACE = (
    "http://securite.service.tpa.cp.finances.gouv.fr/services/mas_securite/contrat_paiement_securise"
    "/PaiementSecuriseService"
)
OPERATIONS: dict[str, Callable[["Town"], object]] = {
    "creerPaiementSecurise": lambda town: town.create(),
    "recupererDetailPaiementSecurise": lambda town: town.client.get_info_paiement("unknown"),
    "recupererDetailClient": lambda town: town.client.get_info_client("090909"),
}


@dataclass
class Town:
    """What stands on the town's side: the client, and a server that keeps each notification as (path, body)."""

    running: Sandbox
    client: PayFiP
    address: str
    notifications: Queue[tuple[str, str]]

    def create(self, **changes: str | None) -> str:
        asked = {
            "numcli": "090909",
            "saisie": "T",
            "exer": "2027",
            "refdet": "FACTURE000042",
            "montant": "1250",
            "mel": "famille@exemple.example",
            "objet": "Semaine du 3 mars",
            "url_notification": f"{self.address}/notifications",
            "url_redirect": f"{self.address}/retour?facture=42",
        }
        return str(self.client.get_idop(**{**asked, **changes}))

    def decide(self, idop: str, **decision: Any) -> requests.Response:
        return requests.post(f"{self.running.payfip}/sandbox/payments/{idop}", json=decision, timeout=5)

    def fail(self, **failure: Any) -> None:
        answer = requests.post(f"{self.running.payfip}/sandbox/faults", json=failure, timeout=5)
        assert answer.status_code == 204, answer.text

    def clear(self) -> None:
        assert requests.delete(f"{self.running.payfip}/sandbox/faults", timeout=5).status_code == 204

    def page(self, idop: str) -> str:
        return f"{self.running.payfip}/tpa/paiementws.web?idop={idop}"

    def detail(self, idop: str) -> dict[str, str | None]:
        answer = self.client.get_info_paiement(idop)
        return {name: answer[name] for name in answer}

    def is_now(self, moment: datetime) -> None:
        self.running.clock_file.write_text(str((moment - datetime.now(UTC)).total_seconds()))


@pytest.fixture(scope="module")
def notified() -> Iterator[tuple[str, Queue[tuple[str, str]]]]:
    received: Queue[tuple[str, str]] = Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.put((self.path, self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()


def town_of(running: Sandbox, notified: tuple[str, Queue[tuple[str, str]]]) -> Town:
    return Town(running, PayFiP(wsdl_url=f"{running.payfip}/tpa/services/securite?wsdl"), *notified)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, notified: tuple[str, Queue[tuple[str, str]]]) -> Iterator[Town]:
    with sandbox(tmp_path_factory.mktemp("payfip") / "clock") as running:
        yield town_of(running, notified)


@pytest.fixture
def town(shared: Town) -> Iterator[Town]:
    yield shared
    shared.clear()


@pytest.fixture
def town_in_time(tmp_path: Path, notified: tuple[str, Queue[tuple[str, str]]]) -> Iterator[Town]:
    """A town with a stand-in of its own, since its clock moves."""
    with sandbox(tmp_path / "clock") as running:
        yield town_of(running, notified)


def notifications_of(town: Town, idop: str, wanted: int) -> list[tuple[str, str]]:
    """The next notifications; they are all of that payment, and none is left over."""
    received = [town.notifications.get(timeout=5) for _ in range(wanted)]
    assert all(body == f"idOp={idop}" for _, body in received)
    with pytest.raises(Empty):
        town.notifications.get_nowait()
    return received


def refusal(call: Callable[[], object]) -> PayFiPError:
    with pytest.raises(PayFiPError) as raised:
        call()
    error: PayFiPError = raised.value
    return error


def test_a_client_is_described_with_the_number_asked_for(town: Town) -> None:
    answer = town.client.get_info_client("090909")
    assert answer.numcli == "090909"
    assert answer.libelleN1


def test_a_paid_payment_is_told_whole(town: Town) -> None:
    idop = town.create()
    before = datetime.now(PARIS)
    town.decide(idop, result="P", notify=False)
    detail = town.detail(idop)
    told = f"{detail.pop('dattrans')}{detail.pop('heurtrans')}"
    assert told in {f"{moment:%d%m%Y%H%M}" for moment in (before, datetime.now(PARIS))}
    assert detail.pop("numauto")
    assert detail == {
        "exer": "2027",
        "idOp": idop,
        "mel": "famille@exemple.example",
        "montant": "1250",
        "numcli": "090909",
        "objet": "Semaine du 3 mars",
        "refdet": "FACTURE000042",
        "resultrans": "P",
        "saisie": "T",
    }


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("T1", {"numcli": "12345"}),
        ("T1", {"numcli": "12345a"}),
        ("T1", {"numcli": None}),
        ("R3", {"refdet": "ABCDE"}),
        ("R3", {"refdet": "A" * 31}),
        ("R3", {"refdet": "FACTURE-42"}),
        ("R3", {"refdet": None}),
        ("M1", {"montant": "12.50"}),
        ("M1", {"montant": None}),
        ("M3", {"montant": "99"}),
        ("M5", {"montant": "10000000"}),
        ("A1", {"mel": None}),
        ("A2", {"mel": "famille.exemple.example"}),
        ("A2", {"mel": "a@b.c"}),
        ("A2", {"mel": f"{'a' * 70}@exemple.example"}),
        ("S1", {"saisie": "M"}),
        ("S1", {"saisie": None}),
        ("N1", {"url_notification": "notifications"}),
        ("N1", {"url_notification": None}),
        ("D1", {"url_redirect": "ftp://exemple.example"}),
        ("D1", {"url_redirect": None}),
    ],
)
def test_a_field_out_of_format_is_refused_by_its_code(town: Town, code: str, changes: dict[str, str | None]) -> None:
    error = refusal(lambda: town.create(**changes))
    assert error.code == code
    assert error.message


@pytest.mark.parametrize("changes", [{"exer": "27"}, {"objet": "Séjour d'été"}, {"objet": "a" * 101}])
def test_a_field_whose_code_nobody_knows_breaks_the_protocol(town: Town, changes: dict[str, str]) -> None:
    assert "TechProtocolaireErreur" in refusal(lambda: town.create(**changes)).message


@pytest.mark.parametrize(
    "changes", [{"montant": "100"}, {"montant": "9999999"}, {"refdet": "ABCDE1"}, {"refdet": "A" * 30}, {"objet": None}]
)
def test_a_field_at_the_edge_of_its_format_is_taken(town: Town, changes: dict[str, str | None]) -> None:
    assert town.create(**changes)


def test_a_client_is_described_only_by_a_well_formed_number(town: Town) -> None:
    assert refusal(lambda: town.client.get_info_client("123")).code == "T1"


def test_an_unknown_idop_is_p1(town: Town) -> None:
    assert refusal(lambda: town.client.get_info_paiement("c0ffee")).code == "P1"


def test_the_result_is_p5_until_the_end(town: Town) -> None:
    idop = town.create()
    assert refusal(lambda: town.client.get_info_paiement(idop)).code == "P5"
    requests.get(town.page(idop), timeout=5)
    assert refusal(lambda: town.client.get_info_paiement(idop)).code == "P5"


@pytest.mark.parametrize(("result", "is_paid"), [("P", True), ("V", True), ("A", False), ("R", False), ("Z", False)])
def test_only_a_paid_payment_has_an_authorisation_number(town: Town, result: str, is_paid: bool) -> None:
    idop = town.create()
    town.decide(idop, result=result, notify=False)
    detail = town.detail(idop)
    assert detail["resultrans"] == result
    assert bool(detail["numauto"]) is is_paid


def test_a_debit_accepted_can_be_refused_later(town: Town) -> None:
    idop = town.create()
    for result in ("V", "Z"):
        town.decide(idop, result=result, notify=False)
        assert town.detail(idop)["resultrans"] == result


def test_another_amount_than_the_one_asked_for_can_be_reported(town: Town) -> None:
    idop = town.create()
    town.decide(idop, result="P", notify=False, amount_cents=999)
    assert town.detail(idop)["montant"] == "999"


@pytest.mark.parametrize(
    ("operation", "field", "code"),
    [("recupererDetailPaiementSecurise", "idop", "P1"), ("recupererDetailClient", "numcli", "T1")],
)
def test_the_case_of_a_parameter_counts(town: Town, operation: str, field: str, code: str) -> None:
    value = {"idop": town.create(), "numcli": "090909"}[field]
    answer = soap(town, f'<p:{operation} xmlns:p="{NAMESPACE}"><arg0><{field}>{value}</{field}></arg0></p:{operation}>')
    assert answer.status_code == 500
    assert f"<code>{code}</code>" in answer.text


def soap(town: Town, body: str, prologue: str = "") -> requests.Response:
    envelope = "http://schemas.xmlsoap.org/soap/envelope/"
    text = f'{prologue}<s:Envelope xmlns:s="{envelope}"><s:Header/><s:Body>{body}</s:Body></s:Envelope>'
    return requests.post(f"{town.running.payfip}/tpa/services/securite", data=text, timeout=5)


@pytest.mark.parametrize(
    ("body", "prologue"),
    [
        ("<unfinished>", ""),
        ("", ""),
        ("<recupererDetailClient/>", ""),
        (f'<p:recupererDetailClient xmlns:p="{NAMESPACE}"/>', '<!DOCTYPE e [<!ENTITY a "b">]>'),
    ],
)
def test_what_is_no_call_breaks_the_protocol(town: Town, body: str, prologue: str) -> None:
    answer = soap(town, body, prologue)
    assert answer.status_code == 500
    assert "TechProtocolaireErreur" in answer.text


# failures asked for


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("code", ["P3", "P4", "S1", "T2", "T4", "M1", "Q7"])
def test_any_functional_code_can_be_provoked(town: Town, operation: str, code: str) -> None:
    town.fail(operation=operation, fault="FonctionnelleErreur", code=code, times=1)
    assert refusal(lambda: OPERATIONS[operation](town)).code == code


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("fault", "code"),
    [("TechDysfonctionnementErreur", "999"), ("TechIndisponibiliteErreur", None), ("TechProtocolaireErreur", None)],
)
def test_any_technical_fault_can_be_provoked(town: Town, operation: str, fault: str, code: str | None) -> None:
    town.fail(operation=operation, fault=fault, times=1)
    error = refusal(lambda: OPERATIONS[operation](town))
    assert error.message == f"fr.gouv.finances.cp.tpa.webservice.exceptions.{fault}"
    detail = error.origin.detail.find(f"{{{NAMESPACE}}}{fault}")
    assert [field.tag for field in detail] == ["code", "descriptif", "libelle", "message", "severite"]
    assert detail.find("code").text == code
    assert detail.find("libelle").text


@pytest.mark.parametrize(("fault", "code"), [("http_500", "unknown"), ("malformed", "SOAP error")])
def test_an_answer_that_is_not_soap_can_be_provoked(town: Town, fault: str, code: str) -> None:
    town.fail(operation="recupererDetailClient", fault=fault, times=1)
    assert refusal(lambda: town.client.get_info_client("090909")).code == code


@pytest.mark.parametrize(
    ("fault", "status"), [("http_500", 500), ("TechIndisponibiliteErreur", 503), ("malformed", 200)]
)
def test_the_contract_itself_can_be_made_to_fail(town: Town, fault: str, status: int) -> None:
    town.fail(operation="wsdl", fault=fault, times=1)
    address = f"{town.running.payfip}/tpa/services/securite?wsdl"
    failed, good = requests.get(address, timeout=5), requests.get(address, timeout=5)
    assert (failed.status_code, "definitions>" in failed.text) == (status, False)
    assert (good.status_code, "definitions>" in good.text) == (200, True)


def test_failures_last_as_many_times_as_asked_in_the_order_asked(town: Town) -> None:
    for code, times in (("T2", 2), ("T4", 1)):
        town.fail(operation="recupererDetailClient", fault="FonctionnelleErreur", code=code, times=times)
    town.fail(operation="creerPaiementSecurise", fault="FonctionnelleErreur", code="M5", times=1)
    codes = [refusal(lambda: town.client.get_info_client("090909")).code for _ in range(3)]
    assert codes == ["T2", "T2", "T4"]
    assert town.client.get_info_client("090909").numcli == "090909"


def test_a_failure_without_a_number_lasts_until_it_is_cleared(town: Town) -> None:
    town.fail(operation="recupererDetailClient", fault="TechIndisponibiliteErreur", times=None)
    for _ in range(3):
        refusal(lambda: town.client.get_info_client("090909"))
    town.clear()
    assert town.client.get_info_client("090909").numcli == "090909"


def test_an_answer_can_be_held_back_until_the_client_gives_up(town: Town) -> None:
    town.fail(operation="recupererDetailClient", fault="timeout", times=1)
    assert refusal(lambda: town.client.get_info_client("090909", timeout=0.2)).code == "HTTP error"
    assert town.client.get_info_client("090909").numcli == "090909"


def test_an_answer_held_back_is_given_when_the_failure_is_cleared(town: Town) -> None:
    idop = town.create()
    town.decide(idop, result="P", notify=False)
    town.fail(operation="recupererDetailPaiementSecurise", fault="timeout")
    with ThreadPoolExecutor() as pool:
        held = pool.submit(town.detail, idop)
        wait_until(lambda: payment(town, idop)["asked"] == 1)
        assert not held.done()
        town.clear()
        assert held.result(timeout=5)["resultrans"] == "P"


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline


def payment(town: Town, idop: str) -> dict[str, object]:
    payments = requests.get(f"{town.running.payfip}/sandbox/payments", timeout=5).json()
    (found,) = (payment for payment in payments if payment["idop"] == idop)
    return dict(found)


# notifications


def test_a_notification_carries_the_idop_and_nothing_else(town: Town) -> None:
    idop = town.create()
    town.decide(idop, result="P")
    assert notifications_of(town, idop, 1) == [("/notifications", f"idOp={idop}")]


def test_a_notification_can_come_five_times(town: Town) -> None:
    idop = town.create()
    town.decide(idop, result="P", repeat=5)
    notifications_of(town, idop, 5)


def test_a_notification_can_come_late_and_the_result_is_there_before(town: Town) -> None:
    idop = town.create()
    started = time.monotonic()
    town.decide(idop, result="R", delay_s=0.4)
    assert town.detail(idop)["resultrans"] == "R"
    notifications_of(town, idop, 1)
    assert time.monotonic() - started >= 0.4


def test_a_notification_can_be_kept_back(town: Town) -> None:
    silent, told = town.create(), town.create()
    town.decide(silent, result="P", notify=False)
    town.decide(told, result="P")
    notifications_of(town, told, 1)


def test_a_notification_that_nobody_takes_is_lost_and_harms_nothing(town: Town) -> None:
    idop = town.create(url_notification="http://127.0.0.1:9/")
    assert town.decide(idop, result="P").status_code == 200
    assert town.detail(idop)["resultrans"] == "P"


# the payment page


def test_the_page_says_amount_and_object_in_french(town: Town) -> None:
    page = requests.get(town.page(town.create(montant="123456")), timeout=5)
    assert page.status_code == 200
    assert '<html lang="fr">' in page.text
    assert "1\N{NARROW NO-BREAK SPACE}234,56\N{NO-BREAK SPACE}€" in page.text
    assert "Semaine du 3 mars" in page.text
    assert [label for label in ("Payer", "Refuser", "Abandonner") if f">{label}</button>" in page.text] == [
        "Payer",
        "Refuser",
        "Abandonner",
    ]


@pytest.mark.parametrize("result", ["P", "R", "A"])
def test_a_choice_on_the_page_notifies_and_sends_the_browser_back(town: Town, result: str) -> None:
    idop = town.create()
    answer = requests.post(town.page(idop), {"result": result}, allow_redirects=False, timeout=5)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{town.address}/retour?facture=42&idop={idop}"
    notifications_of(town, idop, 1)
    assert town.detail(idop)["resultrans"] == result


def test_a_payment_abandoned_may_be_tried_again_and_one_ended_may_not(town: Town) -> None:
    idop = town.create()
    for result, wanted in (("A", 303), ("P", 303), ("R", 410)):
        answer = requests.post(town.page(idop), {"result": result}, allow_redirects=False, timeout=5)
        assert answer.status_code == wanted
    notifications_of(town, idop, 2)
    assert town.detail(idop)["resultrans"] == "P"
    page = requests.get(town.page(idop), timeout=5)
    assert (page.status_code, "déjà terminé" in page.text, "P3" in page.text) == (410, True, True)


def test_the_page_has_no_other_choice(town: Town) -> None:
    idop = town.create()
    assert requests.post(town.page(idop), {"result": "V"}, timeout=5).status_code == 400
    assert refusal(lambda: town.client.get_info_paiement(idop)).code == "P5"


@pytest.mark.parametrize("parameter", ["idOp", "idop"])
def test_the_page_knows_only_idop_in_lower_case(town: Town, parameter: str) -> None:
    page = requests.get(f"{town.running.payfip}/tpa/paiementws.web", {parameter: town.create()}, timeout=5)
    assert page.status_code == (200 if parameter == "idop" else 404)


# the remote control


def test_the_payments_created_are_listed_with_how_often_they_were_asked_for(town: Town) -> None:
    idop = town.create()
    assert payment(town, idop) == {
        "idop": idop,
        "montant": 1250,
        "refdet": "FACTURE000042",
        "objet": "Semaine du 3 mars",
        "mel": "famille@exemple.example",
        "numcli": "090909",
        "exer": "2027",
        "saisie": "T",
        "urlnotif": f"{town.address}/notifications",
        "urlredirect": f"{town.address}/retour?facture=42",
        "result": None,
        "asked": 0,
    }
    refusal(lambda: town.client.get_info_paiement(idop))
    town.decide(idop, result="P", notify=False)
    town.detail(idop)
    assert (payment(town, idop)["result"], payment(town, idop)["asked"]) == ("P", 2)


def test_an_outcome_for_an_unknown_payment_is_404(town: Town) -> None:
    assert town.decide("c0ffee", result="P").status_code == 404


@pytest.mark.parametrize(
    "decision",
    [
        {},
        {"result": "X"},
        {"result": ["P"]},
        {"result": "P", "notify": "yes"},
        {"result": "P", "repeat": 0},
        {"result": "P", "repeat": True},
        {"result": "P", "delay_s": -1},
        {"result": "P", "amount_cents": 12.5},
        {"result": "P", "surprise": 1},
    ],
)
def test_an_outcome_that_makes_no_sense_is_refused(town: Town, decision: dict[str, object]) -> None:
    answer = town.decide(town.create(), **decision)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json; charset=utf-8"
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    "failure",
    [
        "text",
        [],
        {"operation": "recupererDetailClient"},
        {"operation": "other", "fault": "timeout"},
        {"operation": "recupererDetailClient", "fault": "other"},
        {"operation": "recupererDetailClient", "fault": "FonctionnelleErreur"},
        {"operation": "recupererDetailClient", "fault": "timeout", "times": 0},
    ],
)
def test_a_failure_that_makes_no_sense_is_refused(town: Town, failure: Any) -> None:
    answer = requests.post(f"{town.running.payfip}/sandbox/faults", json=failure, timeout=5)
    assert answer.status_code == 422


# time


def test_the_page_opens_for_fifteen_minutes_and_may_end_later(town_in_time: Town) -> None:
    town = town_in_time
    created = datetime(2027, 3, 3, 12, 0, tzinfo=PARIS)
    town.is_now(created)
    idop = town.create()
    town.is_now(created + timedelta(minutes=14))
    assert requests.get(town.page(idop), timeout=5).status_code == 200
    town.is_now(created + timedelta(minutes=16))
    page = requests.get(town.page(idop), timeout=5)
    assert (page.status_code, "15 minutes" in page.text, "P4" in page.text) == (410, True, True)
    assert refusal(lambda: town.client.get_info_paiement(idop)).code == "P5"
    answer = requests.post(town.page(idop), {"result": "P"}, allow_redirects=False, timeout=5)
    assert answer.status_code == 303
    notifications_of(town, idop, 1)
    assert town.detail(idop)["resultrans"] == "P"


def test_an_unused_payment_is_deleted_in_the_night_and_a_decided_one_stays_a_year(town_in_time: Town) -> None:
    town = town_in_time
    town.is_now(datetime(2027, 3, 3, 23, 50, tzinfo=PARIS))
    unused, paid = town.create(), town.create()
    town.decide(paid, result="P", notify=False)
    town.is_now(datetime(2027, 3, 3, 23, 59, tzinfo=PARIS))
    assert refusal(lambda: town.client.get_info_paiement(unused)).code == "P5"
    town.is_now(datetime(2027, 3, 4, 0, 0, tzinfo=PARIS))
    assert refusal(lambda: town.client.get_info_paiement(unused)).code == "P1"
    assert requests.get(town.page(unused), timeout=5).status_code == 404
    assert town.decide(unused, result="P").status_code == 404
    detail = town.detail(paid)
    assert (detail["dattrans"], detail["heurtrans"]) == ("03032027", "2350")
    town.is_now(datetime(2028, 3, 1, tzinfo=PARIS))
    assert refusal(lambda: town.client.get_info_paiement(unused)).code == "P1"
    assert town.detail(paid)["resultrans"] == "P"
    town.is_now(datetime(2028, 3, 4, tzinfo=PARIS))
    assert refusal(lambda: town.client.get_info_paiement(paid)).code == "P1"


def test_sigterm_stops_it_at_once_even_with_an_answer_held_back(town_in_time: Town) -> None:
    town = town_in_time
    idop = town.create()
    town.decide(idop, result="P", delay_s=3600)
    town.fail(operation="recupererDetailPaiementSecurise", fault="timeout")
    with ThreadPoolExecutor() as pool:
        held = pool.submit(refusal, lambda: town.client.get_info_paiement(idop))
        wait_until(lambda: payment(town, idop)["asked"] == 1)
        town.running.process.terminate()
        assert town.running.process.wait(timeout=3) == 0
        assert held.result(timeout=5).code == "HTTP error"
