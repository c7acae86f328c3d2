"""PayFiP's SOAP 1.1 contract, document/literal: its WSDL, how a call is read, how answers and faults are written."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from html import escape

DOMAIN = "http://securite.service.tpa.cp.finances.gouv.fr"
SERVICE = f"{DOMAIN}/services/mas_securite/contrat_paiement_securise/PaiementSecuriseService"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
FAULTS = ("FonctionnelleErreur", "TechDysfonctionnementErreur", "TechIndisponibiliteErreur", "TechProtocolaireErreur")

# operation -> (last part of the namespace of the request's type, its fields, the answer's fields)
OPERATIONS = {
    "creerPaiementSecurise": (
        "requete",
        ("exer", "mel", "montant", "numcli", "objet", "refdet", "saisie", "urlnotif", "urlredirect"),
        ("idOp",),
    ),
    "recupererDetailClient": ("reponse", ("numCli",), ("libelleN1", "libelleN2", "libelleN3", "numcli")),
    "recupererDetailPaiementSecurise": (
        "reponse",
        ("idOp",),
        (
            *("dattrans", "exer", "heurtrans", "idOp", "mel", "montant"),
            *("numauto", "numcli", "objet", "refdet", "resultrans", "saisie"),
        ),
    ),
}


class SoapError(Exception):
    """A refusal that goes back as a SOAP fault: `kind` is one of FAULTS, `libelle` the French text."""

    def __init__(self, kind: str, code: str, libelle: str) -> None:
        super().__init__(kind, code, libelle)
        self.kind, self.code, self.libelle = kind, code, libelle


class _NoDoctype(ET.TreeBuilder):
    """Refuses a document type before any entity of it is read."""

    def doctype(self, _name: str, _public: str | None, _system: str | None) -> None:
        raise SoapError("TechProtocolaireErreur", "", "Type de document refusé.")


def read_call(body: bytes) -> tuple[str, dict[str, str]]:
    """The operation asked for and the fields of its `arg0`, names as sent. Raises SoapError."""
    try:
        envelope = ET.fromstring(body, ET.XMLParser(target=_NoDoctype()))  # noqa: S314 (no doctype, no entity)
    except ET.ParseError as error:
        raise SoapError("TechProtocolaireErreur", "", "Message illisible.") from error
    for operation in OPERATIONS:
        call = envelope.find(f"{{{ENVELOPE}}}Body/{{{SERVICE}}}{operation}")
        if call is not None:
            return operation, {field.tag: field.text or "" for field in call.iterfind("arg0/*")}
    raise SoapError("TechProtocolaireErreur", "", "Opération inconnue.")


def answer(operation: str, fields: Mapping[str, str]) -> str:
    """The envelope of a successful call."""
    content = "".join(f"<{name}>{escape(fields[name])}</{name}>" for name in OPERATIONS[operation][2] if name in fields)
    return _envelope(f'<r:{operation}Response xmlns:r="{SERVICE}"><return>{content}</return></r:{operation}Response>')


def refusal(fault: SoapError) -> str:
    """The envelope of a fault; `descriptif` and `message` are empty, as PayFiP leaves them."""
    return _envelope(
        "<S:Fault><faultcode>S:Server</faultcode>"
        f"<faultstring>fr.gouv.finances.cp.tpa.webservice.exceptions.{fault.kind}</faultstring>"
        f'<detail><r:{fault.kind} xmlns:r="{SERVICE}"><code>{escape(fault.code)}</code><descriptif/>'
        f"<libelle>{escape(fault.libelle)}</libelle><message/><severite>2</severite></r:{fault.kind}></detail></S:Fault>"
    )


def _envelope(content: str) -> str:
    return f'<S:Envelope xmlns:S="{ENVELOPE}"><S:Body>{content}</S:Body></S:Envelope>'


def _type_name(message: str) -> str:
    return message[0].upper() + message[1:]


def _complex_type(name: str, elements: str) -> str:
    return f'<xs:complexType name="{name}"><xs:sequence>{elements}</xs:sequence></xs:complexType>'


def _strings(names: Iterable[str]) -> str:
    return "".join(f'<xs:element name="{name}" type="xs:string" minOccurs="0"/>' for name in names)


def _schemas() -> str:
    """Three schemas, as PayFiP's: requests, answers (with two of the requests), and the messages that wrap them."""
    types = {"requete": "", "reponse": ""}
    wrappers = ""
    for operation, (namespace, asked, answered) in OPERATIONS.items():
        request, response = f"{operation}Request", f"{operation}Response"
        types[namespace] += _complex_type(_type_name(request), _strings(asked))
        types["reponse"] += _complex_type(_type_name(response), _strings(answered))
        for name, inner, type_ in (
            (operation, "arg0", f"{namespace}:{_type_name(request)}"),
            (response, "return", f"reponse:{_type_name(response)}"),
        ):
            wrappers += f'<xs:element name="{name}" type="tns:{name}"/>'
            wrappers += _complex_type(name, f'<xs:element name="{inner}" type="{type_}" minOccurs="0"/>')
    for fault in FAULTS:
        wrappers += f'<xs:element name="{fault}" type="tns:{fault}"/>' + _complex_type(
            fault,
            _strings(("code", "descriptif", "libelle", "message")) + '<xs:element name="severite" type="xs:int"/>',
        )
    imports = "".join(f'<xs:import namespace="{DOMAIN}/{name}"/>' for name in types)
    return (
        "".join(
            f'<xs:schema targetNamespace="{DOMAIN}/{name}">{content}</xs:schema>' for name, content in types.items()
        )
        + f'<xs:schema targetNamespace="{SERVICE}">{imports}{wrappers}</xs:schema>'
    )


def wsdl(address: str) -> str:
    """The WSDL of a service that answers at `address`."""
    messages = port = binding = ""
    for operation in OPERATIONS:
        for name in (operation, f"{operation}Response"):
            messages += f'<message name="{name}"><part name="parameters" element="tns:{name}"/></message>'
        faults = "".join(f'<fault message="tns:{fault}" name="{fault}"/>' for fault in FAULTS)
        port += (
            f'<operation name="{operation}"><input message="tns:{operation}"/>'
            f'<output message="tns:{operation}Response"/>{faults}</operation>'
        )
        faults = "".join(
            f'<fault name="{fault}"><soap:fault name="{fault}" use="literal"/></fault>' for fault in FAULTS
        )
        body = '<soap:body use="literal"/>'
        binding += (
            f'<operation name="{operation}"><soap:operation soapAction=""/>'
            f"<input>{body}</input><output>{body}</output>{faults}</operation>"
        )
    for fault in FAULTS:
        messages += f'<message name="{fault}"><part name="fault" element="tns:{fault}"/></message>'
    return (
        '<?xml version="1.0" encoding="UTF-8"?><definitions xmlns="http://schemas.xmlsoap.org/wsdl/"'
        ' xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xs="http://www.w3.org/2001/XMLSchema"'
        f' xmlns:requete="{DOMAIN}/requete" xmlns:reponse="{DOMAIN}/reponse" xmlns:tns="{SERVICE}"'
        f' targetNamespace="{SERVICE}" name="PaiementSecuriseService"><types>{_schemas()}</types>{messages}'
        f'<portType name="PaiementSecuriseService">{port}</portType>'
        '<binding name="PaiementSecuriseServicePortBinding" type="tns:PaiementSecuriseService">'
        f'<soap:binding transport="http://schemas.xmlsoap.org/soap/http" style="document"/>{binding}</binding>'
        '<service name="PaiementSecuriseService"><port name="PaiementSecuriseServicePort"'
        ' binding="tns:PaiementSecuriseServicePortBinding">'
        f'<soap:address location="{escape(address)}"/></port></service></definitions>'
    )
