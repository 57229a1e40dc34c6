def memory(bench):
    pass
def growth(bench):
    pass
