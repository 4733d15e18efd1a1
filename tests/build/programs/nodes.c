/* SPDX-License-Identifier: MIT */
/*
 * What a hostile program can do through a component's node in /dev: nothing to others. For the server of docs/tutorial.md;
 * ends with "nodes: all done".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <device.h>
#include <kv_client.h>
#include <libipc/device.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANY 40

static int fd;
static struct device_message m;

#define EXPECT(what) do { if (!(what)) { printf("nodes: line %d: %s; errno %d error %d\n", __LINE__, #what, errno, m.error); exit(1); } } while (0)

static void string(unsigned word, unsigned at, const char *text)
{
    struct rpc_ref ref = { at, (uint32_t)strlen(text), RPC_PLACE_ARENA };

    memcpy(&m.word[word], &ref, sizeof ref);
    strcpy((char *)m.arena + at, text);
}

static int call(uint16_t method, const char *key, const char *value)
{
    memset(&m, 0, sizeof m);
    m.layout_hash = KV_LAYOUT_HASH;
    m.method = method;
    string(0, 0, key);
    if (value)
        string(2, 80, value);
    return ioctl(fd, DEVICE_CALL, &m);
}

static void refused_before_the_server(void)
{
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    EXPECT(call(KV_METHOD_GET, "x", NULL) == 0 && m.error == ERR_NOT_FOUND);
    m.layout_hash++;
    EXPECT(ioctl(fd, DEVICE_CALL, &m) == -1 && errno == EINVAL);
    EXPECT(ioctl(fd, DEVICE_CALL + 1, &m) == -1 && errno == ENOTTY);
    EXPECT(ioctl(fd, DEVICE_CALL, (void *)16) == -1 && errno == EFAULT);
    EXPECT(ioctl(fd, DEVICE_CALL, (void *)-4096l) == -1 && errno == EFAULT);
    EXPECT(call(0, "x", NULL) == -1 && errno == EINVAL);
    EXPECT(read(fd, page, sizeof m) == -1 && errno == EINVAL);
    EXPECT(write(fd, page, 1) == -1 && errno == EINVAL);
    EXPECT(write(fd, page, sizeof m + 1) == -1 && errno == EINVAL);
    EXPECT(write(fd, page, sizeof m) == -1 && errno == EINVAL);     /* no layout */
    EXPECT(ioctl(fd, DEVICE_CANCEL, 0) == 0);
    /* an answer could not be written: nothing is asked */
    EXPECT(call(KV_METHOD_SET, "readonly", "x") == 0 && m.error == 0);
    EXPECT(call(KV_METHOD_SET, "readonly", "y") == 0);
    memcpy(page, &m, sizeof m);
    strcpy(page + offsetof(struct device_message, arena) + 80, "z");
    mprotect(page, 4096, PROT_READ);
    EXPECT(ioctl(fd, DEVICE_CALL, page) == -1 && errno == EFAULT);
    EXPECT(call(KV_METHOD_GET, "readonly", NULL) == 0 && m.error == 0 && memchr(m.arena, 'y', 64) && !memchr(m.arena, 'z', 64));
}

static void refused_by_the_dispatch(void)
{
    static const uint64_t of_others[] = { 0x10000000, 0x40000000, 0x50000000, 0x100000000, (uint64_t)&m };
    struct rpc_ref ref = { 0, 8, RPC_PLACE_CLIENT };

    EXPECT(call(77, "x", NULL) == 0 && m.error == ERR_INVALID_CALL);
    for (unsigned i = 0; i < sizeof of_others / sizeof of_others[0]; i++) {     /* memory of fs, of the server, of ours */
        EXPECT(call(KV_METHOD_SET, "taken", NULL) == 0);
        m.layout_hash = KV_LAYOUT_HASH;
        ref.at = of_others[i];
        memcpy(&m.word[2], &ref, sizeof ref);
        EXPECT(ioctl(fd, DEVICE_CALL, &m) == 0 && m.error == ERR_FAULT);
    }
}

static void nothing(int signal) { (void)signal; }

static void any_bytes(void)
{
    struct itimerval often = { { 0, 2000 }, { 0, 2000 } }, never = { 0 };
    struct sigaction action = { .sa_handler = nothing };
    unsigned answers = 0, interrupted = 0;

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    srand(1);
    for (unsigned i = 0; i < 5000; i++) {
        for (unsigned k = 0; k < sizeof m; k += 2)
            ((uint8_t *)&m)[k] = (uint8_t)rand();
        m.layout_hash = KV_LAYOUT_HASH;
        m.method = (uint16_t)(rand() % 5);
        for (unsigned w = 0; w < 4; w += 2) {
            struct rpc_ref ref = { (uint64_t)(rand() % 600), (uint32_t)(rand() % 80), rand() % 8 != 0 };
            if (rand() % 4)
                memcpy(&m.word[w], &ref, sizeof ref);
            if (rand() % 4 && ref.at + ref.bytes < sizeof m.arena) {
                memset(m.arena + ref.at, 'a' + rand() % 3, ref.bytes);
                m.arena[ref.at + ref.bytes] = 0;
            }
        }
        if (ioctl(fd, DEVICE_CALL, &m) == 0)
            answers++;
        else if (errno == EINTR)
            interrupted++;
        else
            EXPECT(errno == EINVAL);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    printf("nodes: %u answers, %u interrupted\n", answers, interrupted);
    EXPECT(answers > 2500);
}

static void *unmap(void *page)
{
    usleep(20000);
    munmap(page, 4096);
    fd = open("/dev/kv", O_RDWR);
    EXPECT(call(KV_METHOD_SET, "unmapped", "x") == 0 && m.error == 0);
    return NULL;
}

static void memory_goes_while_it_waits(void)
{
    struct device_message *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int mine = fd;
    pthread_t thread;

    memset(&m, 0, sizeof m);
    m.layout_hash = KV_LAYOUT_HASH;
    m.method = KV_METHOD_WAIT_FOR;
    string(0, 0, "unmapped");
    *page = m;
    pthread_create(&thread, NULL, unmap, page);
    EXPECT(ioctl(mine, DEVICE_CALL, page) == -1 && errno == EFAULT);
    pthread_join(thread, NULL);
}

static short ready(struct rpc_client *kv)
{
    struct pollfd p = { .fd = device_fd(kv), .events = POLLIN | POLLOUT };

    EXPECT(poll(&p, 1, 0) >= 0);
    return p.revents;
}

/* Several requests under way in one thread: poll says which is answered; a cancel, a signal and closing take them back. */
static void written_and_read_later(void)
{
    struct rpc_in one = { "one", 3 }, two = { "two", 3 }, text = { "text", 4 };
    struct itimerval often = { { 0, 5000 }, { 0, 5000 } }, never = { 0 };   /* one may come before we wait */
    struct rpc_client *a = device_open("/dev/kv", KV_LAYOUT_HASH), *b = device_open("/dev/kv", KV_LAYOUT_HASH);
    struct pollfd both[2] = { { .fd = device_fd(a), .events = POLLIN }, { .fd = device_fd(b), .events = POLLIN } };
    struct rpc_request *ra, *rb;
    char value[KV_VALUE_MAX];
    struct rpc_out out = { value, sizeof value };
    uint32_t n;

    EXPECT(ready(a) == POLLOUT);
    EXPECT(kv_wait_for_submit(a, one, &ra) == 0 && kv_wait_for_submit(b, two, &rb) == 0);
    EXPECT(kv_wait_for_submit(a, one, &ra) == ERR_PEER_CLOSED);     /* one at a time */
    EXPECT(write(device_fd(a), &m, sizeof m) == -1 && errno == EBUSY);
    EXPECT(poll(both, 2, 0) == 0);
    EXPECT(call(KV_METHOD_SET, "two", "text") == 0 && m.error == 0);
    EXPECT(poll(both, 2, -1) == 1 && both[1].revents == POLLIN && ready(a) == 0);
    EXPECT(kv_wait_for_finish(b, rb, out, &n) == 0 && n == 4 && !memcmp(value, text.data, 4));
    EXPECT(ready(b) == POLLOUT);
    setitimer(ITIMER_REAL, &often, NULL);
    EXPECT(kv_wait_for_finish(a, ra, out, &n) == ERR_INTERRUPTED);
    setitimer(ITIMER_REAL, &never, NULL);
    EXPECT(kv_wait_for_submit(a, one, &ra) == 0);
    EXPECT(fcntl(device_fd(a), F_SETFL, O_NONBLOCK) == 0 && read(device_fd(a), &m, sizeof m) == -1 && errno == EAGAIN);
    EXPECT(fcntl(device_fd(a), F_SETFL, 0) == 0 && ioctl(device_fd(a), DEVICE_CANCEL, 0) == 0);
    EXPECT(kv_wait_for_finish(a, ra, out, &n) == ERR_CANCELLED);
    for (unsigned i = 0; i < 100; i++) {                            /* none keeps its place */
        EXPECT(kv_wait_for_submit(a, one, &ra) == 0);
        device_close(a);
        a = device_open("/dev/kv", KV_LAYOUT_HASH);
    }
    for (unsigned i = 0; i < 100; i++) {                            /* answered, and not read */
        EXPECT(kv_wait_for_submit(a, two, &ra) == 0);
        if (i % 2)
            while (ready(a) != POLLIN)
                continue;
        device_close(a);
        a = device_open("/dev/kv", KV_LAYOUT_HASH);
    }
    EXPECT(kv_set(a, one, text) == 0 && kv_get(b, one, out, &n) == 0 && n == 4);
    device_close(a);
    device_close(b);
}

/* A user that waits with all processes it has takes about half of the room: the others are told so, and other users go on. */
static void one_user_cannot_take_all(void)
{
    int told[2], waiting = MANY;
    pid_t child[MANY];
    char byte;

    EXPECT(pipe(told) == 0);
    for (unsigned i = 0; i < MANY; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            if (setuid(1000) || (call(KV_METHOD_WAIT_FOR, "greedy", NULL) == -1 && errno == ENOBUFS && write(told[1], "n", 1) != 1))
                _exit(1);
            _exit(0);
        }
    }
    /* 15 have room; each of the others tells, whatever the order */
    for (unsigned i = 0; i < MANY - 15; i++)
        waiting -= read(told[0], &byte, 1) == 1;
    EXPECT(waiting == 15);
    EXPECT(call(KV_METHOD_SET, "other", "user") == 0 && m.error == 0);
    EXPECT(call(KV_METHOD_WAIT_FOR, "other", NULL) == 0 && m.error == 0);
    for (unsigned i = 0; i < MANY / 2; i++)
        kill(child[i], SIGKILL);
    for (unsigned i = 0; i < MANY / 2; i++)
        waitpid(child[i], NULL, 0);
    EXPECT(call(KV_METHOD_SET, "greedy", "x") == 0 && m.error == 0);
    for (unsigned i = MANY / 2; i < MANY; i++)
        EXPECT(waitpid(child[i], NULL, 0) == child[i]);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    fd = open("/dev/kv", O_RDWR);
    EXPECT(fd >= 0);
    refused_before_the_server();
    refused_by_the_dispatch();
    puts("nodes: refused");
    any_bytes();
    memory_goes_while_it_waits();
    puts("nodes: memory is gone");
    written_and_read_later();
    puts("nodes: written and read");
    one_user_cannot_take_all();
    puts("nodes: all done");
    return 0;
}
