"""The OpenAPI document and the routes are the same thing."""

from jsonschema import Draft202012Validator
from starlette.routing import Route

from cepd.web.app import OPERATIONS, create_app
from cepd.web.openapi import openapi
from tests.support.web import ask, services


def test_every_route_is_described_and_every_description_is_a_route() -> None:
    routes = {
        (method.lower(), route.path)
        for route in create_app(services()).routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    }
    document = ask(services(), "GET", "/openapi.json").json()
    assert routes == {(method, path) for path, methods in document["paths"].items() for method in methods}


def test_the_paths_are_those_of_the_design() -> None:
    assert set(openapi(OPERATIONS)["paths"]) == {
        "/ingest",
        "/cep/events",
        "/cep/events/stream",
        "/cep/events/{event_id}",
        "/cep/events/ack",
        "/cep/events/{event_id}/ack",
        "/cep/events/{event_id}/unack",
        "/cep/events/{event_id}/resolve",
        "/cep/events/{event_id}/notes",
        "/cep/events/{event_id}/verdict",
        "/cep/deliveries",
        "/cep/deliveries/redrive",
        "/cep/deliveries/{delivery_id}",
        "/cep/deliveries/{delivery_id}/drop",
        "/cep/deliveries/{delivery_id}/redrive",
        "/cep/rules",
        "/cep/rules/{rule_id}",
        "/cep/rules/{rule_id}/simulate",
        "/cep/rules/{rule_id}/trigger",
        "/cep/rules/{rule_id}/executions",
        "/cep/rules/{rule_id}/status",
        "/cep/rules/{rule_id}/disable",
        "/cep/rules/{rule_id}/enable",
        "/cep/rules/{rule_id}/anomaly-status",
        "/cep/rules/{rule_id}/anomaly-status/reset",
        "/cep/config",
        "/-/healthy",
        "/-/ready",
        "/-/reload",
        "/metrics",
        "/openapi.json",
        "/",
    }


def test_every_schema_is_one() -> None:
    for operations in openapi(OPERATIONS)["paths"].values():
        for described in operations.values():
            contents = [one["content"] for one in described["responses"].values()]
            contents += [described["requestBody"]["content"]] if "requestBody" in described else []
            for content in contents:
                for media in content.values():
                    Draft202012Validator.check_schema(media["schema"])


def test_operation_ids_are_unique_and_path_parameters_are_named() -> None:
    paths = openapi(OPERATIONS)["paths"]
    described = [(path, operation) for path, operations in paths.items() for operation in operations.values()]
    ids = [operation["operationId"] for _, operation in described]
    assert len(ids) == len(set(ids))
    for path, operation in described:
        named = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
        assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def test_lists_and_headers_are_described() -> None:
    paths = openapi(OPERATIONS)["paths"]
    events = {one["name"]: one for one in paths["/cep/events"]["get"]["parameters"]}
    assert events["severity"]["schema"]["type"] == "array"
    for path in ("/cep/events/ack", "/cep/events/{event_id}/notes"):
        headers = [one["name"] for one in paths[path]["post"]["parameters"] if one["in"] == "header"]
        assert headers == ["Idempotency-Key"]


def test_the_index_links_to_what_answers() -> None:
    links = ask(services(), "GET", "/").json()["links"]
    of_the_store = {"/cep/events", "/cep/events/stream", "/cep/deliveries"}
    assert of_the_store <= set(links.values())
    for path in set(links.values()) - of_the_store:
        assert ask(services(), "GET", path).status_code == 200
