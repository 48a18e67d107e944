"""The server: a page for people, an interface for programs, and what guards both.

    server      the listening socket, signals, and an end that loses nothing
    wire, exchange    one connection, with deadlines and a lingering close; one request on it
    proxies     whose word about the client is believed
    app         all routes in one place
    guard       what every request passes: host, origin, token, rate, headers, the log
    form        bodies, read into memory and nowhere else
    lines       answers that tell how far the work is
    work        the queue and its worker threads
    memory      what a photo will need, set aside before it does
    jobs, preview    what a worker does with a photo
    api, predict    /v1/..., and the two addresses that old clients know
    problems    errors as application/problem+json
    page/       the page: one document, one style, a script for each of its parts

Nothing of a photo is stored or logged, and no path or address that a client sends is opened.
"""
