"""The service and its page: `atfm serve MODEL`. What is answered equals `model.sample` of the same seed, bit for bit.

    GET models, model      POST images     POST samples               GET samples/{id}, .../files/{form}
    GET cases              POST cases/{k}  GET images/{id}/slices/{k}, .../readers      DELETE images/{id}, samples/{id}

All lie under `/api/v1`; `/` is the page, `/openapi.json` says every field, `/healthz`, `/readyz` and `/metrics` are for
those who run it. Every error is `{"error": {"code", "message"}}`. The rooms within, from the top:

    server                          the process: address, signals, an end that leaves nobody hanging
    app | guard                     routes, errors; who may ask, headers, one log line a request
    routes/                         one file for each noun
    service                         models, cases, what is kept, and the two desks
    desk, ticket | shelf | metrics  a bounded line before one thread, a place in it; things kept for a while; counters
    wish | result | answers         what to draw, what came of it; what answers hold, for `openapi.json`
    image | cases | upload          what is looked at: its facts, where it comes from
    arriving | packed | private     bodies on their way; masks and maps as JSON; files that lie on no disk
    limits | refusal
"""
