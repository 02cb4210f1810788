/* SPDX-License-Identifier: Apache-2.0 */
/* login.c - who the peer is: MS-CHAPv2 in CHAP (RFC 1994, 2759) or PAP (RFC 1334). */

#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/proto/ppp/link_priv.h"

#include <glib.h>

#include <stdio.h>

enum {
    CHAP_CHALLENGE = 1,
    CHAP_RESPONSE,
    CHAP_SUCCESS,
    CHAP_FAILURE,
    CHAP_CHANGE_PASSWORD = 7, /* RFC 2759, 7 */
    CHAP_RESPONSE_SIZE = 49,  /* peer's challenge, 8 reserved, response, flags */
    CHAP_RESERVED = 8,
    PAP_REQUEST = 1,
    PAP_ACK,
    PAP_NAK,
    CHALLENGES = 10,
    /* RFC 2759, 6 */
    ERROR_NO_DIALIN = 649,
    ERROR_FAILED = 691,
    ERROR_NO_CHANGE = 709,
};
#define SERVER_NAME "polyether"
#define US          INT64_C(1000000)

/* ---- MS-CHAPv2 ---- */

static void
send_challenge(struct ppp_link *l, int64_t now_us)
{
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof(bytes));
    uint8_t body[1 + MSCHAP_CHALLENGE + sizeof(SERVER_NAME) - 1];
    struct writer b = writer_of(body, sizeof(body));

    writer_u8(&b, MSCHAP_CHALLENGE);
    writer_bytes(&b, l->challenge, sizeof(l->challenge));
    writer_bytes(&b, SERVER_NAME, sizeof(SERVER_NAME) - 1);
    ppp_write(&w, CHAP_CHALLENGE, l->chap_id, body, b.len);
    l->challenges++;
    l->challenge_us = now_us + PPP_FSM_RESTART_MS * INT64_C(1000);
    ppp_send(l, PPP_CHAP, reader_of(bytes, w.len), now_us);
}

static void
new_challenge(struct ppp_link *l)
{
    l->ops->random(l->owner, l->challenge, sizeof(l->challenge));
    l->chap_id++;
    l->challenges = 0;
}

void
ppp_login_begin(struct ppp_link *l, int64_t now_us)
{
    l->answer_len = 0;
    l->challenge_us = 0;
    l->tries = MAX(l->config.tries, 1);
    if (l->auth != PPP_CHAP)
        return;
    new_challenge(l);
    send_challenge(l, now_us);
}

void
ppp_login_tick(struct ppp_link *l, int64_t now_us)
{
    if (l->phase != PPP_PHASE_LOGIN || l->challenge_us == 0 || now_us < l->challenge_us)
        return;
    if (l->challenges >= CHALLENGES)
        ppp_close_later(l, PE_SESSION_TIMEOUT);
    else
        send_challenge(l, now_us);
}

/* The same request again: our answer was lost. */
static bool
repeat_answer(struct ppp_link *l, uint16_t protocol, uint8_t id, int64_t now_us)
{
    if (l->answer_len == 0 || id != l->answered_id || protocol != l->auth)
        return false;
    ppp_send(l, protocol, reader_of(l->answer, l->answer_len), now_us);
    return true;
}

static void
ask(struct ppp_link *l, uint8_t id, const struct ppp_credential *c, int64_t now_us)
{
    l->answered_id = id;
    l->answer_len = 0;
    l->challenge_us = 0;
    l->phase = PPP_PHASE_ASKING;
    l->give_up_us = MAX(l->give_up_us, now_us + PPP_LINK_ASKING_S * US);
    l->ops->login(l->owner, c, now_us);
}

static void
say(struct ppp_link *l, uint8_t code, const char *text, int64_t now_us)
{
    struct writer w = writer_of(l->answer, sizeof(l->answer));
    uint8_t body[PPP_LOGIN_ANSWER_MAX];
    struct writer b = writer_of(body, sizeof(body));

    if (l->auth == PPP_PAP)
        writer_u8(&b, (uint8_t)strlen(text));
    writer_bytes(&b, text, strlen(text));
    ppp_write(&w, code, l->answered_id, body, b.len);
    g_assert(writer_ok(&b) && writer_ok(&w));
    l->answer_len = w.len;
    ppp_send(l, l->auth, reader_of(l->answer, l->answer_len), now_us);
}

static void
say_failure(struct ppp_link *l, int error, bool again, int64_t now_us)
{
    char text[PPP_LOGIN_ANSWER_MAX];
    char hex[2 * MSCHAP_CHALLENGE + 1];

    if (again)
        new_challenge(l);
    for (size_t i = 0; i < MSCHAP_CHALLENGE; i++)
        (void)snprintf(hex + 2 * i, 3, "%02X", l->challenge[i]);
    (void)snprintf(text, sizeof(text), "E=%d R=%d C=%s V=3 M=Access denied", error, again, hex);
    say(l, CHAP_FAILURE, text, now_us);
}

/* A name or password as text. False: too long, or with a NUL. */
static bool
copy_text(struct reader r, char out[PPP_NAME_MAX + 1])
{
    if (r.left > PPP_NAME_MAX || memchr(r.at, '\0', r.left))
        return false;
    memcpy(out, r.at, r.left);
    out[r.left] = '\0';
    return true;
}

/* We never ask for it: a password is not changed here. */
static void
refuse_change(struct ppp_link *l, uint8_t id, int64_t now_us)
{
    l->answered_id = id;
    say_failure(l, ERROR_NO_CHANGE, false, now_us);
    ppp_close_later(l, PE_AUTH_NOT_SUPPORTED);
}

static void
receive_chap(struct ppp_link *l, struct reader packet, int64_t now_us)
{
    struct ppp_credential c = {.is_mschapv2 = true};
    uint8_t code = 0;
    uint8_t id = 0;
    struct reader data;

    if (!ppp_parse(packet, &code, &id, &data))
        return;
    if (code == CHAP_CHANGE_PASSWORD && l->phase == PPP_PHASE_LOGIN)
        refuse_change(l, id, now_us);
    if (code != CHAP_RESPONSE || repeat_answer(l, PPP_CHAP, id, now_us))
        return;
    if (l->phase != PPP_PHASE_LOGIN || id != l->chap_id || reader_u8(&data) != CHAP_RESPONSE_SIZE)
        return;
    memcpy(c.authenticator, l->challenge, sizeof(c.authenticator));
    reader_copy(&data, c.peer, sizeof(c.peer));
    (void)reader_take(&data, CHAP_RESERVED);
    reader_copy(&data, c.response, sizeof(c.response));
    (void)reader_u8(&data);
    if (reader_ok(&data) && copy_text(data, c.name))
        ask(l, id, &c, now_us);
}

/* ---- PAP ---- */

static void
receive_pap(struct ppp_link *l, struct reader packet, int64_t now_us)
{
    struct ppp_credential c = {0};
    char password[PPP_NAME_MAX + 1];
    uint8_t code = 0;
    uint8_t id = 0;
    struct reader data;

    if (!ppp_parse(packet, &code, &id, &data) || code != PAP_REQUEST ||
        repeat_answer(l, PPP_PAP, id, now_us) || l->phase != PPP_PHASE_LOGIN)
        return;
    struct reader name = reader_sub(&data, reader_u8(&data));
    struct reader secret = reader_sub(&data, reader_u8(&data));
    if (!reader_ok(&name) || !reader_ok(&secret) || !reader_ok(&data) || !copy_text(name, c.name) ||
        !copy_text(secret, password))
        return;
    c.password = password;
    ask(l, id, &c, now_us);
    secret_wipe(password, sizeof(password));
}

void
ppp_login_receive(struct ppp_link *l, uint16_t protocol, struct reader packet, int64_t now_us)
{
    if (l->lcp.state != PPP_OPENED || protocol != l->auth)
        return;
    if (protocol == PPP_CHAP)
        receive_chap(l, packet, now_us);
    else
        receive_pap(l, packet, now_us);
}

/* ---- the end of it ---- */

void
ppp_login_tell(struct ppp_link *l, int code, const char *answer, int64_t now_us)
{
    char text[PPP_LOGIN_ANSWER_MAX];
    bool again = false;

    if (l->auth == PPP_PAP) {
        say(l, code == PE_OK ? PAP_ACK : PAP_NAK, code == PE_OK ? "Welcome" : "Access denied",
            now_us);
    } else if (code == PE_OK) {
        (void)snprintf(text, sizeof(text), "%s M=Welcome", answer ? answer : "");
        say(l, CHAP_SUCCESS, text, now_us);
    } else {
        again = code == PE_AUTH_FAILED && --l->tries > 0;
        say_failure(l, code == PE_ACCESS_DENIED ? ERROR_NO_DIALIN : ERROR_FAILED, again, now_us);
    }
    if (code == PE_OK)
        return;
    if (again)
        l->phase = PPP_PHASE_LOGIN; /* and the peer asks its user */
    else
        ppp_close_later(l, code);
}
