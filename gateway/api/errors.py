"""Every refusal is one JSON object: `{"error": {code, field, limit, found, en, zh}}`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import msgspec
from aiohttp import web
from aiohttp.typedefs import Middleware

from drivers.base import Log
from gateway.api.backend import NotFoundError, Refusal, RefusedError
from gateway.ledger.errors import (
    IdempotencyConflictError,
    LedgerError,
    LedgerFullError,
    RollCallSealedError,
)
from protocols.errors import BadInputError, FieldgateError

STATUS = {
    Refusal.NOT_ALLOWED: HTTPStatus.FORBIDDEN,
    Refusal.CONFLICT: HTTPStatus.CONFLICT,
    Refusal.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Refusal.NO_ROUTE: HTTPStatus.UNPROCESSABLE_ENTITY,
    Refusal.TOO_MANY: HTTPStatus.TOO_MANY_REQUESTS,
    Refusal.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    Refusal.NO_SPACE: HTTPStatus.INSUFFICIENT_STORAGE,
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class UnauthorizedError(FieldgateError):
    """No token, or one nobody has."""

    def __init__(self) -> None:
        super().__init__(
            "token: missing or unknown (header Authorization: Bearer ...)",
            "令牌：缺失或无效（请求头 Authorization: Bearer …）",
        )


def json_response(body: object, status: int = HTTPStatus.OK, **headers: str) -> web.Response:
    """Return a JSON answer that no cache keeps."""
    return web.Response(
        body=msgspec.json.encode(body),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **headers},
    )


def error_response(error: FieldgateError) -> web.Response:
    """Turn one of our errors into its answer."""
    headers: dict[str, str] = {}
    code, field, limit, found = "bad_input", "", "", ""
    status: int = HTTPStatus.BAD_REQUEST
    match error:
        case BadInputError():
            field, limit, found = error.field, error.limit, error.found
        case RefusedError():
            code, status = error.reason.value, STATUS[error.reason]
            field, limit, found = error.field, error.limit, error.found
            if error.retry_after_s is not None:
                headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
        case NotFoundError():
            code, status, field, found = "not_found", HTTPStatus.NOT_FOUND, error.field, error.found
        case LedgerError():
            return _ledger_response(error)
        case UnauthorizedError():
            code, status, field = "unauthorized", HTTPStatus.UNAUTHORIZED, "Authorization"
            headers["WWW-Authenticate"] = 'Bearer realm="fieldgate"'
        case _:
            code, status = "failed", HTTPStatus.INTERNAL_SERVER_ERROR
    return error_body(code, status, (error.en, error.zh), (field, limit, found), **headers)


def _ledger_response(error: LedgerError) -> web.Response:
    """Answer what the ledger cannot take, on whatever route: full 507, contradiction 409, fault 503."""
    words = (error.en, error.zh)
    match error:
        case LedgerFullError():
            return error_body("no_space", HTTPStatus.INSUFFICIENT_STORAGE, words, ("ledger", "", ""))
        case IdempotencyConflictError():
            fact = ("Idempotency-Key", "one message for a key", error.key)
            return error_body("conflict", HTTPStatus.CONFLICT, words, fact)
        case RollCallSealedError():
            return error_body("conflict", HTTPStatus.CONFLICT, words, ("id", "", error.call_id))
        case _:
            later = {"Retry-After": str(LEDGER_RETRY_S)}
            fact = ("ledger", "", "")
            return error_body("unavailable", HTTPStatus.SERVICE_UNAVAILABLE, words, fact, **later)


def error_body(
    code: str, status: int, words: tuple[str, str], fact: tuple[str, str, str] = ("", "", ""), **headers: str
) -> web.Response:
    """Build the error object; `words` are English and Chinese, `fact` is field, limit, found."""
    field, limit, found = fact
    body = {"code": code, "field": field, "limit": limit, "found": found, "en": words[0], "zh": words[1]}
    return json_response({"error": body}, status, **headers)


def middleware(log: Log, body_limit_octets: int) -> Middleware:
    """Answer every error as JSON; what nobody foresaw is logged with its trace and answered as 500."""

    @web.middleware
    async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except FieldgateError as error:
            response = error_response(error)
            if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                log.warning("request_refused", route=_route(request), status=response.status, reason=error.en)
            return response
        except web.HTTPRequestEntityTooLarge:
            words = (
                f"body: too large (limit: {body_limit_octets} octets)",
                f"请求体：过大（限制：{body_limit_octets} 字节）",
            )
            fact = ("body", f"{body_limit_octets} octets", f"more than {body_limit_octets} octets")
            return error_body("too_large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, words, fact)
        except web.HTTPMethodNotAllowed as error:
            allowed = ", ".join(sorted(error.allowed_methods))
            words = (f"method: not allowed (limit: {allowed})", f"方法：不允许（限制：{allowed}）")
            fact = ("method", allowed, request.method)
            return error_body("bad_method", HTTPStatus.METHOD_NOT_ALLOWED, words, fact, Allow=allowed)
        except web.HTTPNotFound:
            return error_response(NotFoundError("path", request.path[:MAX_PATH_CHARS]))
        except web.HTTPException:
            raise
        except Exception:
            log.error("request_failed", route=_route(request), exc_info=True)  # noqa: G201 - Log
            words = ("the gateway failed; its log says why", "网关内部错误，原因见日志")
            return error_body("failed", HTTPStatus.INTERNAL_SERVER_ERROR, words)

    return answer_errors


def _route(request: web.Request) -> str:
    """Name the route by its pattern, never the path: a path may hold what somebody typed."""
    resource = request.match_info.route.resource
    return f"{request.method} {resource.canonical if resource is not None else '-'}"


LEDGER_RETRY_S = 5
"""When to ask again after a fault of the ledger: a restart with a new one is over by then."""
MAX_PATH_CHARS = 80
"""Longest excerpt of an unknown path in an answer."""
