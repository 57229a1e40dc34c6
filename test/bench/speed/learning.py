def learn(bench):
    pass
def train(bench):
    pass
