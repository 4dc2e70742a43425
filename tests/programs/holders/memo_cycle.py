"""The memo that never dies: function, cell and dict form a cycle, so each call leaves a full memo behind."""
import gc
import sys

N = 4 << 20
STEPS = 8
EXPECT = {
    "left_behind": {
        "garbage": "5 * N",
        "some": [{"is": "garbage", "verdict": "garbage", "at_least": "N // 2", "says": ["fill"]}],
        "dead": [],
        "released": ["deleted", "collected"],
        "text": ["garbage|cycle", "fill"],
    },
    "deleted": {"dead": [], "no_garbage": "N // 2"},
    "collected": {"dead": [], "no_garbage": "N // 2"},
}


def remember(delete):
    memo = {}

    def fill(step):
        if step not in memo:
            memo[step] = bytearray(N // STEPS)
            if step:
                fill(step - 1)

    fill(STEPS - 1)
    size = len(memo)
    if delete:
        del memo
    return size


def again_and_again(delete=False, collect=False):
    gc.disable()  # stands for a large structure that keeps the collector from the old generation
    for _ in range(5):
        remember(delete)
        if collect:
            gc.collect()
    return bytearray(2 * N)  # @peak


def left_behind():
    again_and_again()


def deleted():
    again_and_again(delete=True)


def collected():
    again_and_again(collect=True)


globals()[sys.argv[1]]()
