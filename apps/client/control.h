/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - the daemon's door: JSON objects, one a line, on a Unix socket.
 *
 *   {"id": 7, "method": "Up", "params": {"name": "office"}}      request
 *   {"id": 7, "result": {...}}                                   answer, or
 *   {"id": 7, "error": {"code": 36, "message": "..."}}
 *   {"event": "Status", "params": {...}}                         to those who asked by Watch
 *
 * Root and the daemon's own user are let in, others are cut off. Limits: CONTROL_CONNECTIONS at
 * once, lines of CONTROL_LINE_MAX bytes; who does not read what it asked for is cut off when
 * CONTROL_UNSENT_MAX bytes wait for it. Control thread; nothing blocks.
 */
#pragma once

#include <glib.h>
#include <jansson.h>

#include <stdbool.h>

enum {
    CONTROL_CONNECTIONS = 32,
    CONTROL_LINE_MAX = 1024 * 1024,
    CONTROL_UNSENT_MAX = 4 * 1024 * 1024,
};

/* A request: its result (transfer full), or NULL and error. *watch true on return: the asker gets
 * events from now on. */
typedef json_t *
control_call(void *owner, const char *method, const json_t *params, bool *watch, GError **error);

struct control;

/* Makes the socket (0600), replacing a dead one. */
struct control *control_new(const char *path, control_call *call, void *owner, GError **error);
/* Cuts all connections and removes the socket. */
void control_free(struct control *c);
/* Sends an event to all who watch. Takes params. */
void control_event(struct control *c, const char *event, json_t *params);
