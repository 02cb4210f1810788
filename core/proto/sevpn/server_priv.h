/* SPDX-License-Identifier: Apache-2.0 */
/* server_priv.h - shared by login.c and session.c; for this folder only. */
#pragma once

#include "core/proto/sevpn/block.h"
#include "core/proto/sevpn/server.h"
#include "core/proto/sevpn/wire.h"

#include <stdatomic.h>

struct sevpn_server {
    struct sevpn_server_config config;
    struct http_service service;
    struct block_zlib *zlib[WORKER_MAX]; /* each for its worker */
    atomic_uint connection_number;

    GMutex lock;        /* guards sessions: for a look-up at each additional connection */
    GHashTable *by_key; /* 20 bytes in a GBytes -> struct sevpn_session (borrowed) */
};

/* An authenticated login becomes a session. On the connection's worker; answers and takes the
 * connection. */
void sevpn_session_begin(struct sevpn_server *s, struct conn *c, const struct sevpn_login *login,
                         const struct auth_verdict *verdict, int64_t now_us);
/* Another connection for the session with this key. Answers and takes the connection. */
void
sevpn_session_join(struct sevpn_server *s, struct conn *c, const uint8_t key[20], int64_t now_us);

/* Answers with a PACK (freed). */
void sevpn_reply(struct conn *c, struct pack *p, bool close);
