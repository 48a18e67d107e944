"""The server: a page for people, an interface for programs, and what guards both.

    server      uvicorn, its signals, and connections that take too long
    app         all routes in one place
    guard       what every request passes: host, origin, token, rate, headers, the log
    form        bodies, read into memory and nowhere else
    work        the queue and its worker threads
    jobs        what a worker does with a photo
    api, predict    /v1/..., and the two addresses that old clients know
    problems    errors as application/problem+json
    page/       the page: one document, one script, one style

Nothing of a photo is stored or logged, and no path or address that a client sends is opened.
"""
