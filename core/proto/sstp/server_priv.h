/* SPDX-License-Identifier: Apache-2.0 */
/* server_priv.h - what the service (server.c) and its calls (session.c) share. */
#pragma once

#include "core/base/log.h"
#include "core/proto/sstp/server.h"

#include <stdatomic.h>

struct sstp_session;

/* The calls of one worker; touched by it alone. */
struct sstp_home {
    struct sstp_server *server;
    struct worker *worker;
    struct sstp_session *first;
    struct log_limit refused_log;
};

struct sstp_server {
    struct hubs *hubs;
    struct auth *auth;
    char *default_hub;
    struct http_service service;
    struct admission *strangers;
    atomic_bool enabled;
    unsigned n_homes;
    struct sstp_home home[];
};

/* Takes the connection, whose request was answered, and what admission_enter() has let in. */
void sstp_session_new(struct sstp_home *home, struct conn_handover *h, int64_t now_us);
/* Closes all calls of a worker, on it. */
void sstp_home_close(struct sstp_home *home);
