/* SPDX-License-Identifier: Apache-2.0 */
/* peer.h - one client of the OpenVPN server, from the packet that proves its address to its end.
 *
 * States: HANDSHAKE (TLS, key method 2, auth) -> WAITING (a session at the hub, addresses are asked
 * for) -> UP (told what to set up; data flows) -> LEAVING (was told to go; its ack is awaited) ->
 * ENDING (freed at the end of the turn, so that pointers stay good within it). The session at the
 * hub ends when the state leaves UP.
 *
 * Keys: up to three at a time. The fresh one is being agreed; it becomes primary, which sends, when
 * the client has shown that it knows it and is still allowed; the primary of before goes on
 * receiving as the lame one.
 *
 * Memory: some 25 KiB of TLS, reliability layer and session; a lame key keeps only its ciphers.
 */
#pragma once

#include "core/hub/session.h"
#include "core/net/mss.h"
#include "core/proto/openvpn/control.h"
#include "core/proto/openvpn/home.h"
#include "core/proto/openvpn/push.h"

enum {
    OVPN_HANDSHAKE_S = 60,     /* from the first packet of a key to its end */
    OVPN_ASKING_S = 140,       /* more, while auth is asked: people may be asked (AUTH_ASK_S) */
    OVPN_LAME_S = 120,         /* how long an old key goes on receiving */
    OVPN_LEAVE_MS = 2000,      /* for the last words to arrive */
    OVPN_SOFT_RESET_MS = 1000, /* between two new keys that a client asks for */
    OVPN_OUTER_MTU = 1492,     /* outer packets should not be longer: TCP's MSS is lowered */
    OVPN_PUSH_AGAIN_MS = 500,
};

enum ovpn_peer_state {
    OVPN_PEER_HANDSHAKE,
    OVPN_PEER_WAITING,
    OVPN_PEER_UP,
    OVPN_PEER_LEAVING,
    OVPN_PEER_ENDING
};

struct ovpn_key {
    uint8_t id;
    struct ovpn_channel *channel; /* NULL for a lame one */
    struct ovpn_data *data;       /* NULL before key method 2 is done */
    GByteArray *km2_part;         /* the client's message, not whole yet; or NULL */
    bool km2_done, verified;
    bool by_password, by_token;
    uint64_t ticket;   /* of auth; 0: none */
    int64_t asked_us;  /* auth, last */
    int64_t waited_us; /* for it: does not count as handshake */
    int64_t born_us;
    int64_t until_us; /* primary: a new one is asked for; lame: it goes */
};

struct ovpn_peer {
    struct ovpn_home *home;
    struct openvpn_server *server;
    struct ovpn_rules *rules; /* a reference */
    enum ovpn_peer_state state;
    int reason; /* enum pe_error, of the end */
    uint32_t id;
    uint8_t client_sid[OVPN_SID], sid[OVPN_SID];
    struct ovpn_stranger stranger; /* before it has logged in */
    bool has_address;
    bool is_waiting; /* for a turn of TLS */
    bool is_ending;  /* in the list of its home */
    struct ovpn_peer *next_waiting, *next_ending;

    struct ovpn_wrap wrap;
    uint32_t wrap_s; /* time field of all our packets */

    struct ovpn_stream *stream; /* owned; NULL: by UDP */
    struct udp_port *port;
    struct udp_source source;
    struct ovpn_address address;
    struct endpoint local;

    struct ovpn_key *primary, *fresh, *lame;
    uint8_t last_key_id;
    int64_t soft_reset_us; /* last one that was taken */

    struct ovpn_client_says says;
    enum ovpn_cipher cipher;
    enum ovpn_framing framing;
    bool tell_cipher, ekm, data_v2;
    char *hub, *user;            /* as asked for with the first key */
    char token[OVPN_TOKEN_TEXT]; /* "" for none */
    uint8_t token_session[12];
    int64_t token_first_s;

    struct l3port *l3;           /* tun */
    struct session *session;     /* of the port, or a tap client's own */
    struct mss mss;              /* what TCP's MSS is lowered to */
    struct l3port_address *told; /* addresses, when they are there; owned */
    GPtrArray *push;             /* messages; NULL before they are composed */
    bool push_asked;
    int64_t pushed_us;

    struct timer timer;
    int64_t last_in_us, last_out_us;
    int64_t leave_us; /* LEAVING */
};

/* Makes a peer with its first key. wrap: NULL for none; its counters go on from sends packets.
 * NULL: no room, or no certificate yet. */
struct ovpn_peer_config {
    struct ovpn_home *home;
    struct ovpn_wrap_key *wrap;
    const uint8_t *client_sid, *sid;
    struct ovpn_stream *stream;      /* or by UDP: */
    const struct udp_source *source; /* stream's: NULL */
    bool reset_answered;             /* the first packets were exchanged without us */
};
struct ovpn_peer *ovpn_peer_new(const struct ovpn_peer_config *c, int64_t now_us);
/* Ends it at the end of this turn. May be called from anywhere, more than once. */
void ovpn_peer_end(struct ovpn_peer *p, int reason);
/* Tells the client (text: "RESTART", ...), ends the session, and the peer a little later. */
void ovpn_peer_dismiss(struct ovpn_peer *p, const char *text, int reason, int64_t now_us);
/* At once, with a last word if there is a channel for it. Not from inside any callback. */
void ovpn_peer_free(struct ovpn_peer *p);

/* A control packet; the bytes may be changed. source: NULL on a stream. */
void ovpn_peer_control(struct ovpn_peer *p, const struct udp_source *source, uint8_t *bytes,
                       size_t len, int64_t now_us);
/* A turn of TLS that it had to wait for. */
void ovpn_peer_turn(struct ovpn_peer *p, int64_t now_us);
/* Sends what the key channels have to send, and sets the timer. */
void ovpn_peer_flush(struct ovpn_peer *p, int64_t now_us);
bool ovpn_peer_is_alive(const struct ovpn_peer *p); /* neither LEAVING nor ENDING */
/* The source is where the peer is at now. */
void ovpn_peer_move(struct ovpn_peer *p, const struct udp_source *source);

/* ---- peer_keys.c ---- */

struct ovpn_key *ovpn_key_new(struct ovpn_peer *p, uint8_t id, int64_t now_us);
void ovpn_key_free(struct ovpn_peer *p, struct ovpn_key *k); /* NULL is fine */
struct ovpn_key *ovpn_peer_key(const struct ovpn_peer *p, uint8_t id);
/* A soft reset of the client: its key, or NULL when it is not taken. */
struct ovpn_key *ovpn_peer_soft_reset(struct ovpn_peer *p, uint8_t id, int64_t now_us);
/* Asks for a new key, if none is being agreed. */
void ovpn_peer_renew(struct ovpn_peer *p, int64_t now_us);
/* The fresh key is good: it is the primary from now on. */
void ovpn_peer_promote(struct ovpn_peer *p, int64_t now_us);
/* Promotes a renewed key once the client has all that it needs for it. */
void ovpn_peer_try_promote(struct ovpn_peer *p, int64_t now_us);
/* What is due. False: the peer is ending. */
bool ovpn_peer_check_keys(struct ovpn_peer *p, int64_t now_us) MUST_CHECK;
int64_t ovpn_peer_keys_deadline(const struct ovpn_peer *p);

/* ---- peer_login.c ---- */

/* A message on a key's channel: key method 2, or text. */
void ovpn_peer_message(struct ovpn_peer *p, struct ovpn_key *k, const uint8_t *bytes, size_t len,
                       int64_t now_us);
/* Sends the PUSH_REPLY if it is time. */
void ovpn_peer_try_push(struct ovpn_peer *p, int64_t now_us);

/* ---- peer_session.c ---- */

struct auth_verdict;
/* Begins the session at the hub. PE_OK or why not. */
int ovpn_session_begin(struct ovpn_peer *p, const struct auth_verdict *verdict, int64_t now_us);
void ovpn_session_end(struct ovpn_peer *p, int64_t now_us); /* harmless without one */

/* ---- peer_data.c ---- */

/* A data packet; source NULL on a stream. What it holds is handed on by ovpn_data_flush(). */
void ovpn_data_received(struct ovpn_peer *p, const struct udp_source *source, const uint8_t *bytes,
                        size_t len, int64_t now_us);
void ovpn_data_flush(struct ovpn_home *h, int64_t now_us);
/* Frames (IP packets, or Ethernet for tap) to the client; consumes the batch. */
void ovpn_data_send(struct ovpn_peer *p, struct batch *b, int64_t now_us);
/* The stream takes packets again. */
void ovpn_data_resume(struct ovpn_peer *p, int64_t now_us);
void ovpn_data_ping(struct ovpn_peer *p, int64_t now_us);
/* Chooses the MSS for the path and cipher. */
void ovpn_data_set_mss(struct ovpn_peer *p);
