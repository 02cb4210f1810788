/* SPDX-License-Identifier: Apache-2.0 */
/* call.c - see call.h. */

#include "core/proto/sstp/call.h"

#include "core/base/error.h"
#include "core/base/secret.h"

#include <glib.h>

enum { MESSAGE_MAX = 64, PROTOCOL_PPP = 1 };
#define US INT64_C(1000000)
#define MS INT64_C(1000)

static void
set_state(struct sstp_call *c, enum sstp_state state, int64_t due_us)
{
    c->state = state;
    c->deadline_us = due_us;
}

/* ---- sending ---- */

static void
send_plain(struct sstp_call *c, enum sstp_message type, int64_t now_us)
{
    uint8_t bytes[SSTP_CONTROL_HEADER];
    struct writer w = writer_of(bytes, sizeof(bytes));

    sstp_write_control(&w, type, 0, 0);
    c->ops->send(c->owner, reader_of(bytes, w.len), now_us);
}

static void
send_status(struct sstp_call *c, enum sstp_message type, uint8_t attribute, enum sstp_status status,
            int64_t now_us)
{
    uint8_t bytes[MESSAGE_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    sstp_write_status(&w, type, attribute, status);
    c->ops->send(c->owner, reader_of(bytes, w.len), now_us);
}

static void
end(struct sstp_call *c, int64_t now_us)
{
    set_state(c, SSTP_DEAD, 0);
    c->ops->ended(c->owner, c->reason, now_us);
}

static void
abort_call(struct sstp_call *c, uint8_t attribute, enum sstp_status status, const char *why,
           int64_t now_us)
{
    c->ops->refused(c->owner, why);
    c->reason = status == SSTP_NEGOTIATION_TIMEOUT ? PE_SESSION_TIMEOUT : PE_PROTOCOL;
    set_state(c, SSTP_ABORTING, now_us + SSTP_ABORT_MS * MS);
    send_status(c, SSTP_CALL_ABORT, attribute, status, now_us);
}

/* ---- the call is set up ---- */

/* What is wrong with a request; SSTP_NO_ERROR when nothing is. */
static enum sstp_status
judge_request(const struct sstp_control *m, uint8_t *attribute)
{
    struct reader all = m->attributes;
    struct reader value;
    bool found = false;

    *attribute = 0;
    while (sstp_next_attribute(&all, attribute, &value)) {
        if (*attribute > SSTP_CRYPTO_BINDING_REQUEST || *attribute == 0)
            return SSTP_UNRECOGNIZED_ATTRIBUTE;
        if (*attribute != SSTP_ENCAPSULATED_PROTOCOL)
            return SSTP_ATTRIBUTE_NOT_IN_MESSAGE;
        if (found)
            return SSTP_DUPLICATE_ATTRIBUTE;
        if (value.left != 2)
            return SSTP_INVALID_ATTRIBUTE_LENGTH;
        if (reader_u16(&value) != PROTOCOL_PPP)
            return SSTP_VALUE_NOT_SUPPORTED;
        found = true;
    }
    *attribute = SSTP_ENCAPSULATED_PROTOCOL;
    return found ? SSTP_NO_ERROR : SSTP_REQUIRED_ATTRIBUTE_MISSING;
}

static void
on_request(struct sstp_call *c, const struct sstp_control *m, int64_t now_us)
{
    uint8_t bytes[MESSAGE_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    uint8_t attribute = 0;
    enum sstp_status fault = judge_request(m, &attribute);

    if (fault != SSTP_NO_ERROR && ++c->naks >= SSTP_NAKS) {
        abort_call(c, attribute, SSTP_RETRY_COUNT_EXCEEDED, "it asks for what is no PPP", now_us);
    } else if (fault != SSTP_NO_ERROR) {
        send_status(c, SSTP_CALL_CONNECT_NAK, attribute, fault, now_us);
    } else {
        set_state(c, SSTP_WAIT_CONNECTED, now_us + SSTP_LOGIN_S * US);
        sstp_write_connect_ack(&w, c->binding.hashes, c->binding.nonce);
        c->ops->send(c->owner, reader_of(bytes, w.len), now_us);
        c->ops->accepted(c->owner, now_us);
    }
}

static void
check_binding(struct sstp_call *c, struct reader record, int64_t now_us)
{
    enum sstp_binding_fault fault = sstp_binding_check(&c->binding, record);

    if (fault != SSTP_BOUND) {
        abort_call(c, SSTP_CRYPTO_BINDING, SSTP_INVALID_FRAME, sstp_binding_text(fault), now_us);
        return;
    }
    set_state(c, SSTP_CONNECTED, now_us + SSTP_ECHO_S * US);
    secret_wipe(c->binding.hlak, sizeof(c->binding.hlak));
    c->ops->connected(c->owner, now_us);
}

static void
on_connected(struct sstp_call *c, struct reader record, int64_t now_us)
{
    if (c->known) {
        check_binding(c, record, now_us);
    } else if (record.left != sizeof(c->early)) {
        abort_call(c, SSTP_CRYPTO_BINDING, SSTP_INVALID_FRAME,
                   sstp_binding_text(SSTP_BINDING_MALFORMED), now_us);
    } else { /* the client was told, or is ahead of us: judged when the keys are there */
        memcpy(c->early, record.at, sizeof(c->early));
        c->has_early = true;
    }
}

void
sstp_call_known(struct sstp_call *c, const struct mschap_keys *keys, int64_t now_us)
{
    c->known = true;
    if (c->state == SSTP_WAIT_CONNECTED)
        set_state(c, SSTP_WAIT_CONNECTED, now_us + SSTP_NEGOTIATION_S * US);
    sstp_binding_set_keys(&c->binding, keys);
    if (c->has_early && c->state == SSTP_WAIT_CONNECTED)
        check_binding(c, reader_of(c->early, sizeof(c->early)), now_us);
    c->has_early = false;
}

/* ---- the end ---- */

static void
linger(struct sstp_call *c, enum sstp_state state, enum sstp_message last, int64_t now_us)
{
    c->reason = last == SSTP_CALL_ABORT ? PE_DISCONNECTED : PE_CANCELLED;
    set_state(c, state, now_us + SSTP_LINGER_MS * MS);
    if (last == SSTP_CALL_ABORT)
        send_status(c, last, 0, SSTP_NO_ERROR, now_us);
    else
        send_plain(c, last, now_us);
}

void
sstp_call_disconnect(struct sstp_call *c, int reason, int64_t now_us)
{
    if (!sstp_call_carries(c))
        return;
    c->reason = reason;
    set_state(c, SSTP_DISCONNECTING, now_us + SSTP_DISCONNECT_MS * MS);
    send_status(c, SSTP_CALL_DISCONNECT, 0, SSTP_NO_ERROR, now_us);
}

void
sstp_call_broken(struct sstp_call *c, int64_t now_us)
{
    if (c->state < SSTP_DISCONNECTING)
        abort_call(c, 0, SSTP_INVALID_FRAME, "what it sends is no SSTP", now_us);
    else if (c->state != SSTP_DEAD)
        end(c, now_us);
}

/* Only the last word counts now. */
static void
receive_at_end(struct sstp_call *c, uint16_t type, int64_t now_us)
{
    bool is_last = c->state == SSTP_ABORTING
                       ? type == SSTP_CALL_ABORT
                       : type == SSTP_CALL_DISCONNECT_ACK || type == SSTP_CALL_ABORT;

    if (is_last)
        end(c, now_us);
    else if (c->state == SSTP_DISCONNECTING && type == SSTP_CALL_DISCONNECT)
        send_plain(c, SSTP_CALL_DISCONNECT_ACK, now_us); /* both at once */
}

/* ---- receiving ---- */

void
sstp_call_heard(struct sstp_call *c, int64_t now_us)
{
    c->last_in_us = now_us;
}

static bool
is_expected(const struct sstp_call *c, uint16_t type)
{
    switch (type) {
    case SSTP_CALL_CONNECT_REQUEST:
        return c->state == SSTP_WAIT_REQUEST;
    case SSTP_CALL_CONNECTED:
        return c->state == SSTP_WAIT_CONNECTED && !c->has_early;
    case SSTP_ECHO_REQUEST:
    case SSTP_ECHO_RESPONSE:
        return c->state != SSTP_WAIT_REQUEST;
    default:
        return false;
    }
}

static void
receive(struct sstp_call *c, const struct sstp_control *m, struct reader record, int64_t now_us)
{
    if (m->type == SSTP_CALL_ABORT) {
        linger(c, SSTP_ABORTING, SSTP_CALL_ABORT, now_us);
    } else if (m->type == SSTP_CALL_DISCONNECT) {
        linger(c, SSTP_DISCONNECTING, SSTP_CALL_DISCONNECT_ACK, now_us);
    } else if (!is_expected(c, m->type)) {
        bool known = m->type >= SSTP_CALL_CONNECT_REQUEST && m->type <= SSTP_ECHO_RESPONSE;
        abort_call(c, 0, known ? SSTP_UNACCEPTED_FRAME : SSTP_INVALID_FRAME,
                   "it sends a message that has no place there", now_us);
    } else if (m->type == SSTP_CALL_CONNECT_REQUEST) {
        on_request(c, m, now_us);
    } else if (m->type == SSTP_CALL_CONNECTED) {
        on_connected(c, record, now_us);
    } else if (m->type == SSTP_ECHO_REQUEST) {
        send_plain(c, SSTP_ECHO_RESPONSE, now_us);
    }
}

void
sstp_call_receive(struct sstp_call *c, struct reader record, int64_t now_us)
{
    struct sstp_control m;

    if (c->state == SSTP_DEAD)
        return;
    c->last_in_us = now_us;
    if (!sstp_control_parse(record, &m))
        sstp_call_broken(c, now_us);
    else if (c->state >= SSTP_DISCONNECTING)
        receive_at_end(c, m.type, now_us);
    else
        receive(c, &m, record, now_us);
}

/* ---- time ---- */

static void
look_after(struct sstp_call *c, int64_t now_us)
{
    int64_t silent_us = now_us - c->last_in_us;

    if (silent_us >= SSTP_SILENCE_S * US) {
        c->reason = PE_SESSION_TIMEOUT;
        end(c, now_us); /* nobody would hear an abort */
    } else if (silent_us >= SSTP_ECHO_S * US) {
        c->deadline_us = now_us + SSTP_ECHO_S * US;
        send_plain(c, SSTP_ECHO_REQUEST, now_us);
    } else {
        c->deadline_us = c->last_in_us + SSTP_ECHO_S * US;
    }
}

static const char *
what_is_late(const struct sstp_call *c)
{
    if (c->state == SSTP_WAIT_REQUEST)
        return "no request of it within 60 s";
    return c->known ? "no crypto binding of it within 60 s" : "no login of it in time";
}

void
sstp_call_tick(struct sstp_call *c, int64_t now_us)
{
    if (c->deadline_us == 0 || now_us < c->deadline_us)
        return;
    switch (c->state) {
    case SSTP_WAIT_REQUEST:
    case SSTP_WAIT_CONNECTED:
        abort_call(c, 0, SSTP_NEGOTIATION_TIMEOUT, what_is_late(c), now_us);
        break;
    case SSTP_CONNECTED:
        look_after(c, now_us);
        break;
    case SSTP_DISCONNECTING:
    case SSTP_ABORTING:
        end(c, now_us);
        break;
    case SSTP_DEAD:
        break;
    }
}

bool
sstp_call_carries(const struct sstp_call *c)
{
    return c->state == SSTP_WAIT_CONNECTED || c->state == SSTP_CONNECTED;
}

/* ---- life ---- */

void
sstp_call_init(struct sstp_call *c, const struct sstp_binding *binding,
               const struct sstp_call_ops *ops, void *owner, int64_t now_us)
{
    *c = (struct sstp_call){.ops = ops,
                            .owner = owner,
                            .binding = *binding,
                            .last_in_us = now_us,
                            .reason = PE_DISCONNECTED};
    set_state(c, SSTP_WAIT_REQUEST, now_us + SSTP_NEGOTIATION_S * US);
}

void
sstp_call_wipe(struct sstp_call *c)
{
    secret_wipe(c, sizeof(*c));
}
