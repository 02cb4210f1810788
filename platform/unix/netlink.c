/* SPDX-License-Identifier: Apache-2.0 */
/* netlink.c - see netlink_priv.h. */

#include "platform/platform.h"
#include "platform/unix/netlink_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { ANSWER_ROOM = 32768, SEQUENCE = 1 };

/* What is being read: the answer's messages, one after the other. */
struct cursor {
    const uint8_t *at;
    size_t left;
};

void
netlink_begin(struct netlink_request *r, uint16_t type, uint16_t flags, const void *fixed,
              size_t len)
{
    memset(r, 0, sizeof *r);
    g_assert(NLMSG_LENGTH(len) <= sizeof r->bytes);
    r->header.nlmsg_type = type;
    r->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    r->header.nlmsg_seq = SEQUENCE;
    memcpy(r->bytes + NLMSG_HDRLEN, fixed, len);
    r->len = NLMSG_ALIGN(NLMSG_HDRLEN + len);
}

void
netlink_put(struct netlink_request *r, uint16_t type, const void *value, size_t len)
{
    struct nlattr a = {.nla_type = type, .nla_len = (uint16_t)(NLA_HDRLEN + len)};
    g_assert(r->len + NLA_HDRLEN + NLMSG_ALIGN(len) <= sizeof r->bytes);
    memcpy(r->bytes + r->len, &a, sizeof a);
    memcpy(r->bytes + r->len + NLA_HDRLEN, value, len);
    r->len += NLA_HDRLEN + NLMSG_ALIGN(len);
}

void
netlink_put_u32(struct netlink_request *r, uint16_t type, uint32_t value)
{
    netlink_put(r, type, &value, sizeof value);
}

static int
open_socket(void)
{
    struct timeval wait = {.tv_sec = NETLINK_WAIT_S};
    int on = 1;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    /* Words with the error; answers without a copy of the question; dumps that heed their filter.
     * Old kernels know none of the three and work without. */
    (void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    (void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    (void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
    return fd;
}

static bool
send_request(int fd, struct netlink_request *r)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    r->header.nlmsg_len = (uint32_t)r->len;
    return sendto(fd, r->bytes, r->len, 0, (const struct sockaddr *)&kernel, sizeof kernel) ==
           (ssize_t)r->len;
}

/* One datagram from the kernel; its length or -1. */
static ssize_t
recv_answer(int fd, uint8_t *buf)
{
    for (;;) {
        struct sockaddr_nl from = {0};
        socklen_t len = sizeof from;
        ssize_t n = recvfrom(fd, buf, ANSWER_ROOM, 0, (struct sockaddr *)&from, &len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n >= 0 && from.nl_pid != 0) /* some program, not the kernel */
            continue;
        return n;
    }
}

/* The next message of an answer. False at the end, or where the rest makes no sense. */
static bool
next_message(struct cursor *c, struct nlmsghdr *h, const uint8_t **ret_body)
{
    if (c->left < sizeof *h)
        return false;
    memcpy(h, c->at, sizeof *h);
    if (h->nlmsg_len < NLMSG_HDRLEN || h->nlmsg_len > c->left)
        return false;
    size_t step = MIN(NLMSG_ALIGN((size_t)h->nlmsg_len), c->left);
    *ret_body = c->at + NLMSG_HDRLEN;
    c->at += step;
    c->left -= step;
    return true;
}

static void
copy_words(const struct nlmsghdr *h, const uint8_t *body, const struct nlmsgerr *e,
           char why[NETLINK_WHY])
{
    size_t fixed = sizeof *e;
    if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
        return;
    if (!(h->nlmsg_flags & NLM_F_CAPPED) && e->msg.nlmsg_len >= NLMSG_HDRLEN)
        fixed += NLMSG_ALIGN((size_t)e->msg.nlmsg_len) - NLMSG_HDRLEN;
    struct netlink_message m = {.body = body, .len = h->nlmsg_len - NLMSG_HDRLEN};
    size_t len = 0;
    const uint8_t *text = netlink_attribute(&m, fixed, NLMSGERR_ATTR_MSG, &len);
    if (text == NULL || len == 0)
        return;
    len = MIN(len, NETLINK_WHY - 1);
    memcpy(why, text, len);
    why[len] = '\0';
}

/* True when the message is the verdict: 0 or an errno in *ret. */
static bool
is_verdict(const struct nlmsghdr *h, const uint8_t *body, int *ret, char why[NETLINK_WHY])
{
    struct nlmsgerr e = {0};
    int done = 0;
    size_t len = h->nlmsg_len - NLMSG_HDRLEN;
    if (h->nlmsg_seq != SEQUENCE)
        return false;
    if (h->nlmsg_type == NLMSG_DONE) {
        memcpy(&done, body, MIN(len, sizeof done));
        *ret = done < 0 ? -done : 0;
        return true;
    }
    if (h->nlmsg_type != NLMSG_ERROR || len < sizeof e)
        return false;
    memcpy(&e, body, sizeof e);
    *ret = -e.error;
    copy_words(h, body, &e, why);
    return true;
}

static int
exchange(struct netlink_request *r, void (*fn)(const struct netlink_message *m, void *data),
         void *data, char why[NETLINK_WHY])
{
    uint8_t buf[ANSWER_ROOM];
    int verdict = 0;
    why[0] = '\0';
    int fd = open_socket();
    if (fd < 0)
        return errno;
    if (!send_request(fd, r)) {
        verdict = errno;
        pf_close(fd);
        return verdict;
    }
    for (;;) {
        ssize_t n = recv_answer(fd, buf);
        if (n < 0) {
            verdict = errno == EAGAIN ? ETIMEDOUT : errno;
            pf_close(fd);
            return verdict;
        }
        struct cursor c = {buf, (size_t)n};
        struct nlmsghdr h;
        const uint8_t *body = NULL;
        while (next_message(&c, &h, &body)) {
            if (is_verdict(&h, body, &verdict, why)) {
                pf_close(fd);
                return verdict;
            }
            if (fn != NULL && h.nlmsg_seq == SEQUENCE)
                fn(&(struct netlink_message){h.nlmsg_type, body, h.nlmsg_len - NLMSG_HDRLEN}, data);
        }
    }
}

int
netlink_talk(struct netlink_request *r, char why[NETLINK_WHY])
{
    r->header.nlmsg_flags |= NLM_F_ACK;
    return exchange(r, NULL, NULL, why);
}

int
netlink_dump(struct netlink_request *r, void (*fn)(const struct netlink_message *m, void *data),
             void *data)
{
    char why[NETLINK_WHY];
    r->header.nlmsg_flags |= NLM_F_DUMP;
    return exchange(r, fn, data, why);
}

bool
netlink_fixed(const struct netlink_message *m, void *ret_fixed, size_t len)
{
    if (m->len < len)
        return false;
    memcpy(ret_fixed, m->body, len);
    return true;
}

const uint8_t *
netlink_attribute(const struct netlink_message *m, size_t fixed, uint16_t type, size_t *ret_len)
{
    size_t at = NLMSG_ALIGN(fixed);
    while (at + NLA_HDRLEN <= m->len) {
        struct nlattr a;
        memcpy(&a, m->body + at, sizeof a);
        if (a.nla_len < NLA_HDRLEN || a.nla_len > m->len - at)
            return NULL;
        if ((a.nla_type & NLA_TYPE_MASK) == type) {
            *ret_len = a.nla_len - (size_t)NLA_HDRLEN;
            return m->body + at + NLA_HDRLEN;
        }
        at += NLA_ALIGN((size_t)a.nla_len);
    }
    return NULL;
}

uint32_t
netlink_attribute_u32(const struct netlink_message *m, size_t fixed, uint16_t type,
                      uint32_t otherwise)
{
    size_t len = 0;
    uint32_t value = otherwise;
    const uint8_t *at = netlink_attribute(m, fixed, type, &len);
    if (at != NULL && len == sizeof value)
        memcpy(&value, at, sizeof value);
    return value;
}
