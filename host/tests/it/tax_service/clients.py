"""Calls a tax service with two generated clients: arguments are the addresses of gRPC and HTTP, and an API key.

The stubs of gRPC (`tax_pb2`) and the package `openapi` are generated beside this file. The generator of `openapi` reads
no CSV, so requests with CSV and their paths come from the document itself, and are sent by the same HTTP client.
"""

import json
import pathlib
import sys
from decimal import Decimal

import grpc
import tax_pb2
import tax_pb2_grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from openapi import AuthenticatedClient
from openapi.api.taxes import tax_evaluate
from openapi.models import TaxRequest

GRPC, HTTP, KEY = sys.argv[1:]
STORE = "tax-1"


def basket(amount, commit=False):
    return {
        "store_data": {"store_id": STORE, "tax_included_in_price": True},
        "commit": commit,
        "items": [{"item_id": "1", "total_amount": amount, "tax_code": "STANDARD"}],
    }


def over_grpc():
    stub = tax_pb2_grpc.TaxStub(grpc.insecure_channel(GRPC))
    metadata = [("authorization", f"Bearer {KEY}")]

    def message(amount, commit=False):
        fields = basket(amount, commit)
        items = [tax_pb2.RequestItem(**item) for item in fields["items"]]
        data = tax_pb2.StoreData(**fields["store_data"])
        return tax_pb2.TaxEvaluateRequest(store_data=data, items=items, commit=commit)

    def imported(percent, **options):
        row = tax_pb2.TaxRow(
            tax_code="STANDARD", tax_level="IVA", retailer_tax_level_id="1", tax_percent=percent
        )
        request = tax_pb2.ImportStoreTaxDataRequest(store_id=STORE, rows=[row], **options)
        return stub.ImportStoreTaxCodeData(request, metadata=metadata)

    imported("10.00")
    imported("21.00", replace=True, reason="a new year")
    for amount, tax in [("12.10", "2.10"), ("-12.10", "-2.10"), ("0.05", "0.01")]:
        answer = stub.EvaluateTax(message(amount), metadata=metadata, timeout=10)
        assert Decimal(answer.total_tax) == Decimal(tax), answer
        assert answer.route == tax_pb2.TAX_ROUTE_EMBEDDED
        assert [item.item_id for item in answer.item_tax] == ["1"]
    keyed = metadata + [("idempotency-key", "python-1")]
    first, call = stub.EvaluateTax.with_call(message("24.20", True), metadata=keyed)
    assert "idempotency-replayed" not in dict(call.initial_metadata())
    again, call = stub.EvaluateTax.with_call(message("24.20", True), metadata=keyed)
    assert dict(call.initial_metadata())["idempotency-replayed"] == "true"
    assert first.SerializeToString(deterministic=True) == again.SerializeToString(deterministic=True)
    stream = (
        tax_pb2.ImportStoreTaxDataRequest(
            store_id=STORE,
            rows=[
                tax_pb2.TaxRow(
                    tax_code=f"CODE-{part}-{number}", tax_level="IVA", retailer_tax_level_id="1", tax_percent="4.00"
                )
                for number in range(100)
            ],
        )
        for part in range(5)
    )
    summary = stub.StreamStoreTaxCodeData(stream, metadata=metadata)
    assert summary.added == 500, summary
    request = tax_pb2.GetStoreTaxTableRequest(store_id=STORE, page_size=500)
    page = stub.GetStoreTaxTable(request, metadata=metadata)
    request.page_token = page.next_page_token
    last = stub.GetStoreTaxTable(request, metadata=metadata)
    assert (len(page.rows), len(last.rows), last.next_page_token) == (500, 1, "")
    try:
        imported("21 %")
        raise AssertionError("an invalid rate was imported")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
        details = [detail for detail in rpc_status.from_call(error).details]
        fields = error_details_pb2.BadRequest()
        assert any(detail.Unpack(fields) for detail in details), details
        assert fields.field_violations[0].field == "rows.1.tax_percent", fields
    delete = tax_pb2.DeleteStoreTaxTableRequest(store_id=STORE, reason="closed")
    stub.DeleteStoreTaxTable(delete, metadata=metadata)
    stub.DeleteStoreTaxTable(delete, metadata=metadata)
    table = stub.GetStoreTaxTable(tax_pb2.GetStoreTaxTableRequest(store_id=STORE), metadata=metadata)
    assert len(table.rows) == 0
    try:
        stub.EvaluateTax(message("1.00"))
        raise AssertionError("a call without credentials was answered")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAUTHENTICATED, error


def over_http():
    client = AuthenticatedClient(base_url=HTTP, token=KEY)
    document = json.loads((pathlib.Path(__file__).parent / "openapi.json").read_text())
    operations = {
        operation["operationId"]: (method, path)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if isinstance(operation, dict)
    }

    def send(operation, key=None, **arguments):
        method, path = operations[operation]
        headers = {"Idempotency-Key": key, **arguments.pop("headers", {})} if key else {}
        url = path.replace("{id}", STORE)
        response = client.get_httpx_client().request(method, url, headers=headers, **arguments)
        assert response.status_code == 200, response.text
        return response.json()

    def imported(key, percent):
        text = f"tax_code,tax_level,retailer_tax_level_id,tax_percent\nSTANDARD,IVA,1,{percent}\n"
        return send("tax_table_import", key, content=text, headers={"Content-Type": "text/csv"})

    assert imported("csv-1", "10.00")["added"] == 1
    assert imported("csv-2", "21.00")["changed"] == 1
    for amount, tax in [("12.10", "2.10"), ("-12.10", "-2.10")]:
        body = TaxRequest.from_dict(basket(amount))
        answer = tax_evaluate.sync(client=client, body=body)
        assert Decimal(answer.total_tax) == Decimal(tax), answer
    # The record of the other protocol.
    body = TaxRequest.from_dict(basket("24.20", True))
    answer = tax_evaluate.sync_detailed(client=client, body=body, idempotency_key="python-1")
    assert answer.headers["idempotency-replayed"] == "true", answer
    assert Decimal(answer.parsed.total_tax) == Decimal("4.20")
    for limit in [1, 100]:
        assert len(send("tax_table_get", params={"limit": limit})["rows"]) == 1
    assert send("tax_table_delete", "delete-1")["rows"] == 1
    assert send("tax_table_delete", "delete-2")["rows"] == 0


if __name__ == "__main__":
    over_grpc()
    over_http()
    print("all calls succeeded")
